/** The screen in ink: draws what `view.ts` decided. One `Text` a line: each costs a layout, and a frame holds forty. */
import { Box, Text } from 'ink'
import { memo } from 'react'
import type { Colour } from '../../colour.js'
import type { Line, Row, TopView } from './view.js'

export interface ScreenProps {
  readonly view: TopView
  /** Without colour what is chosen is still inverse, and marked with `>`. */
  readonly isColoured: boolean
}

export function Screen({ view, isColoured }: ScreenProps) {
  const style = (colour: Colour | null) => styleOf(colour, isColoured)
  return (
    <Box flexDirection="column">
      <Text wrap="truncate" {...style(view.summary.colour ?? 'bold')}>
        {view.summary.text || ' '}
      </Text>
      <Tabs tabs={view.tabs} />
      <Text wrap="truncate" bold>
        {view.head || ' '}
      </Text>
      <Box flexDirection="column" height={view.height}>
        {view.rows.map((row, line) => (
          // By place, not by key: lines move all the time, and what is drawn at a place changes little.
          // biome-ignore lint/suspicious/noArrayIndexKey: see above
          <RowLine key={line} row={row} isColoured={isColoured} />
        ))}
      </Box>
      <Text wrap="truncate" {...style(view.foot.colour)}>
        {view.foot.text || ' '}
      </Text>
    </Box>
  )
}

function Tabs({ tabs }: Pick<TopView, 'tabs'>) {
  return (
    <Text wrap="truncate">
      {tabs.map(({ text, isOpen }) => (
        <Text key={text} inverse={isOpen}>
          {text}
        </Text>
      ))}
    </Text>
  )
}

const RowLine = memo(function RowLine({ row, isColoured }: { readonly row: Row; readonly isColoured: boolean }) {
  return (
    <Text wrap="truncate" inverse={row.isSelected}>
      {joined(row.cells).map(({ text, colour }, at) =>
        colour === null ? (
          text
        ) : (
          // biome-ignore lint/suspicious/noArrayIndexKey: cells do not move
          <Text key={at} {...styleOf(colour, isColoured)}>
            {text}
          </Text>
        ),
      )}
    </Text>
  )
}, isSameRow)

function isSameRow(a: { readonly row: Row; readonly isColoured: boolean }, b: typeof a): boolean {
  const [before, now] = [a.row, b.row]
  return (
    before.isSelected === now.isSelected &&
    before.cells.length === now.cells.length &&
    before.cells.every(({ text, colour }, at) => text === now.cells[at]!.text && colour === now.cells[at]!.colour)
  )
}

/** Neighbours of one colour as one piece. */
function joined(cells: readonly Line[]): readonly Line[] {
  const pieces: Line[] = []
  for (const cell of cells) {
    const last = pieces.at(-1)
    if (last?.colour === cell.colour) pieces[pieces.length - 1] = { text: last.text + cell.text, colour: cell.colour }
    else pieces.push(cell)
  }
  return pieces
}

function styleOf(colour: Colour | null, isColoured: boolean) {
  if (colour === null) return {}
  if (colour === 'bold') return { bold: true }
  if (colour === 'dim') return { dimColor: true }
  return isColoured ? { color: colour } : {}
}
