/** Waits for `work`, but not longer than that; its failure is no news to who waits so. */
export async function within(work: Promise<unknown>, seconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, seconds * 1000)
  })
  await Promise.race([work.catch(() => {}), limit])
  clearTimeout(timer)
}
