/** Whether calibrate.ts could be played: that takes half an hour, so here is looked only whether its patches still fit the build. */
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { unfitting } from './breaks.js'

describe('the mechanisms that calibration takes out', () => {
  it('are where it looks for them', () => {
    expect(unfitting(fileURLToPath(new URL('../../.cache/compiled', import.meta.url)))).to.deep.equal([])
  })
})
