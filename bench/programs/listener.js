/** Listens to all events and looks at none: what a listener costs the worker, not what it does itself. Argument: URL of the server. */
import { connect } from 'node:net'

const { hostname, port } = new URL(process.argv[2])
const socket = connect(Number(port), hostname, () => socket.write('PSUBSCRIBE /0.celeryev/*\r\n'))
socket.once('data', () => {
  console.log('listening 1')
  socket.resume()
})
