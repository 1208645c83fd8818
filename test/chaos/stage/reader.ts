/** A program that waits for the results of `count` tasks, all at once, and says how many values it got. */
import { Celerity } from 'celerity'

const count = Number(process.argv[2])
const app = new Celerity('system')
const values = await Promise.all(Array.from({ length: count }, (_, at) => app.result<number>(`t${at}`).get({ timeout: 60 })))
console.log(`${values.filter((value) => value > 0).length} values`)
await app.close()
