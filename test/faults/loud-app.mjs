/** An application whose task prints as much as its worker logs. */
import { Celerity } from 'celerity'

const app = new Celerity('loud')
export default app

app.task('loud.add', async (x, y) => {
  console.log('adding', x, y)
  return x + y
})
