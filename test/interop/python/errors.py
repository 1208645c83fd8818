"""Exceptions that tasks of both languages raise: a class in Node names this module as its own."""


class PageLocked(Exception):
    """Takes two arguments, as many an application's own exceptions do."""

    def __init__(self, slug, holder):
        super().__init__(slug, holder)
        self.slug = slug
        self.holder = holder

    def __str__(self):
        return f"{self.slug} is locked by {self.holder}"
