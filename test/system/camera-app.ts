/** Tasks that are over at once: what is looked at is the camera. */
import { Celerity } from 'celerity'

const app = new Celerity('camera')
export default app

app.task('camera.done', (number: number) => number)
app.task('camera.failed', (number: number) => {
  throw new RangeError(`${number} is too much`)
})
