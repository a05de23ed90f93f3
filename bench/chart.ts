import type { Curves, Figure, Result } from './benchmark.ts';

/** A line of a chart: y in milliseconds by x. */
export interface Series {
  readonly name: string;
  /** Which of the two colours; dashed lines are the second quantity of a colour. */
  readonly tone: 'ours' | 'peer';
  readonly isDashed: boolean;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

const width = 860;
const left = 300;
const right = 110;
const rowHeight = 26;
const plotWidth = width - left - right;

/** Draws a result: ratios as points with their spread over the accepted range, then curves. Reads well on light and on dark pages. */
export function drawChart(result: Result): string {
  const ratios = drawRatios(result.figures, 64);
  const curves =
    result.curves === undefined ? { svg: '', height: 0 } : drawCurves(result.curves, 64 + ratios.height + 20);
  const height = 64 + ratios.height + (curves.height === 0 ? 16 : curves.height + 36);
  const { machine } = result;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escape(result.title)}">
<style>
  text { font: 12px system-ui, sans-serif; fill: #24292f; }
  .title { font-weight: 600; font-size: 15px; } .quiet { fill: #6e7781; } .end { text-anchor: end; } .middle { text-anchor: middle; }
  .grid { stroke: #d0d7de; } .one { stroke: #8c959f; } .accepted { fill: #2da44e; opacity: .16; } .spread { stroke-width: 2; }
  .ours { stroke: #0969da; fill: none; } .peer { stroke: #8250df; fill: none; } .miss { stroke: #cf222e; fill: none; }
  circle.ours { fill: #0969da; } circle.peer { fill: #8250df; } circle.miss { fill: #cf222e; }
  .line { stroke-width: 2; } .dashed { stroke-dasharray: 5 4; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .quiet { fill: #8d96a0; } .grid { stroke: #30363d; } .one { stroke: #6e7681; } .accepted { fill: #3fb950; opacity: .22; }
    .ours { stroke: #58a6ff; } .peer { stroke: #bc8cff; } .miss { stroke: #ff7b72; }
    circle.ours { fill: #58a6ff; } circle.peer { fill: #bc8cff; } circle.miss { fill: #ff7b72; }
  }
</style>
<text x="16" y="24" class="title">${escape(result.title)}</text>
<text x="16" y="43" class="quiet">${escape(`${machine.cpu}, ${machine.cores} cores · Node ${machine.node} · onnxruntime ${machine.onnxruntime} · ${result.ranOn}`)}</text>
${ratios.svg}${curves.svg}</svg>
`;
}

interface Drawing {
  readonly svg: string;
  readonly height: number;
}

/** Ratios on a logarithmic axis, so that twice and half are equally far from one. */
function drawRatios(figures: readonly Figure[], top: number): Drawing {
  const ends = figures
    .flatMap(({ ratio, accepted }) => [ratio.min, ratio.max, accepted.min ?? 1, accepted.max ?? 1, 1])
    .filter((value) => value > 0);
  const [low, high] = [Math.log(Math.min(...ends) * 0.85), Math.log(Math.max(...ends) * 1.15)];
  const at = (ratio: number): number =>
    left + Math.max(0, Math.min(1, (Math.log(Math.max(ratio, 1e-9)) - low) / (high - low))) * plotWidth;
  const bottom = top + figures.length * rowHeight;
  const ticks = niceRatios(Math.exp(low), Math.exp(high));
  const grid = ticks.map(
    (tick) =>
      `<line x1="${at(tick).toFixed(1)}" x2="${at(tick).toFixed(1)}" y1="${top}" y2="${bottom}" class="${tick === 1 ? 'one' : 'grid'}"/><text x="${at(tick).toFixed(1)}" y="${bottom + 15}" class="quiet middle">${tick}×</text>`,
  );
  const rows = figures.map((figure, index) => {
    const { ratio, accepted } = figure;
    const y = top + index * rowHeight + rowHeight / 2;
    const tone = figure.isAccepted ? 'ours' : 'miss';
    const [from, to] = [at(accepted.min ?? 1e-9), at(accepted.max ?? 1e9)];
    return `<text x="${left - 12}" y="${y + 4}" class="end">${escape(figure.id)}<title>${escape(figure.what)}</title></text>
<rect x="${from.toFixed(1)}" y="${y - 9}" width="${Math.max(0, to - from).toFixed(1)}" height="18" class="accepted"><title>accepted, from ${escape(accepted.from)}</title></rect>
<line x1="${at(ratio.min).toFixed(1)}" x2="${at(ratio.max).toFixed(1)}" y1="${y}" y2="${y}" class="${tone} spread"/><circle cx="${at(ratio.median).toFixed(1)}" cy="${y}" r="4.5" class="${tone}"/>
<text x="${width - right + 12}" y="${y + 4}">${ratio.median}</text>
`;
  });
  return { svg: `${grid.join('\n')}\n${rows.join('')}`, height: figures.length * rowHeight + 24 };
}

function drawCurves({ title, across, up, series }: Curves, top: number): Drawing {
  const plotHeight = 220;
  const [start, head] = [70, 30];
  const span = width - start - 240;
  const points = series.flatMap((line) => line.points).filter(({ y }) => y > 0);
  const columns = [...new Set(points.map(({ x }) => x))].toSorted((a, b) => a - b);
  const [low, high] = [
    Math.log10(Math.min(...points.map(({ y }) => y)) * 0.8),
    Math.log10(Math.max(...points.map(({ y }) => y)) * 1.25),
  ];
  const atX = (x: number): number => start + ((columns.indexOf(x) + 0.5) / columns.length) * span;
  const atY = (y: number): number => top + head + plotHeight * (1 - (Math.log10(y) - low) / (high - low));
  const grid = niceRatios(10 ** low, 10 ** high).map(
    (tick) =>
      `<line x1="${start}" x2="${start + span}" y1="${atY(tick).toFixed(1)}" y2="${atY(tick).toFixed(1)}" class="grid"/><text x="${start - 8}" y="${(atY(tick) + 4).toFixed(1)}" class="quiet end">${tick}</text>`,
  );
  const names = columns.map(
    (x) => `<text x="${atX(x).toFixed(1)}" y="${top + head + plotHeight + 18}" class="quiet middle">${x}</text>`,
  );
  const lines = series.map((line, index) => {
    const path = line.points.filter(({ y }) => y > 0).map(({ x, y }) => `${atX(x).toFixed(1)},${atY(y).toFixed(1)}`);
    const dots = path.map(
      (point) => `<circle cx="${point.split(',')[0]}" cy="${point.split(',')[1]}" r="3.5" class="${line.tone}"/>`,
    );
    const y = top + head + 14 + index * 22;
    const style = `${line.tone} line${line.isDashed ? ' dashed' : ''}`;
    return `<polyline points="${path.join(' ')}" class="${style}"/>${dots.join('')}
<line x1="${start + span + 16}" x2="${start + span + 46}" y1="${y}" y2="${y}" class="${style}"/><text x="${start + span + 54}" y="${y + 4}">${escape(line.name)}</text>
`;
  });
  const caption = `<text x="16" y="${top + 14}" class="title">${escape(title)}</text><text x="16" y="${top + head + plotHeight + 18}" class="quiet">${escape(up)}</text><text x="${start + span + 8}" y="${top + head + plotHeight + 18}" class="quiet">${escape(across)}</text>`;
  return { svg: `${caption}${grid.join('')}${names.join('')}${lines.join('')}`, height: head + plotHeight + 24 };
}

/** Round numbers of a logarithmic axis between two values: 1, 2 and 5 of each decade. */
function niceRatios(low: number, high: number): number[] {
  const ticks: number[] = [];
  for (let decade = Math.floor(Math.log10(low)); decade <= Math.ceil(Math.log10(high)); decade++) {
    for (const step of [1, 2, 5]) ticks.push(Number((step * 10 ** decade).toPrecision(1)));
  }
  return ticks.filter((tick) => tick >= low && tick <= high);
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
