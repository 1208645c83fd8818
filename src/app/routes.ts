/** Where a task goes, by the setting `taskRoutes`: by its exact name, by glob, or by a function of the call. */
import type { Route, RouteFunction, RouteMap, Router } from '../config/task-kinds.js'
import { globMatches, isGlob } from './glob.js'

/** The routers compiled; null: no router knows the task. Routes of names and globs are found once per name. */
export type FindRoute = (task: string, args: readonly unknown[], kwargs: Readonly<Record<string, unknown>>) => Route | null

/** Names come from the wire too (a worker sends follow-ups), so what is remembered about them is bounded. */
const MOST_NAMES = 1_000

export function compileRoutes(routers: readonly Router[]): FindRoute {
  const compiled = routers.map((router) => (typeof router === 'function' ? byFunction(router) : byName(router)))
  if (compiled.length === 0) return () => null
  return (task, args, kwargs) => {
    for (const find of compiled) {
      const route = find(task, args, kwargs)
      if (route !== null) return route
    }
    return null
  }
}

function byFunction(router: RouteFunction): FindRoute {
  return (task, args, kwargs) => {
    const route = router(task, args, kwargs) ?? null
    return typeof route === 'string' ? { queue: route } : route
  }
}

function byName(routes: RouteMap): FindRoute {
  const exact = new Map(Object.entries(routes))
  const globs = Object.entries(routes).filter(([pattern]) => isGlob(pattern))
  const found = new Map<string, Route | null>()
  return (task) => {
    const known = found.get(task)
    if (known !== undefined) return known
    const route = exact.get(task) ?? globs.find(([pattern]) => globMatches(pattern, task))?.[1] ?? null
    if (found.size >= MOST_NAMES) found.clear()
    found.set(task, route)
    return route
  }
}

/** Names and globs of `taskRoutes` that fit none of these tasks: a slip, or tasks that live elsewhere. */
export function routesToNothing(routers: readonly Router[], names: readonly string[]): readonly string[] {
  const patterns = routers.flatMap((router) => (typeof router === 'function' ? [] : Object.keys(router)))
  return patterns.filter((pattern) => !names.some((name) => (isGlob(pattern) ? globMatches(pattern, name) : pattern === name)))
}
