/** Figures that are worth reading also when all is well, among the lines of the tests. */
export function tell(figures: string): void {
  console.log(`        ${figures}`)
}
