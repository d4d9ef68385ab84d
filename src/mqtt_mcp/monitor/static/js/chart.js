// Messages per second over the last five minutes. uPlot draws on a canvas; the numbers are also there as text.

import { count, localTime } from "./format.js";
import { html, useEffect, useRef, useState } from "./html.js";
import { now, useStore } from "./store.js";

const HEIGHT = 180;
const WINDOW_S = 300;

export function Chart() {
  const { throughput } = useStore("throughput");
  const box = useRef();
  const plot = useRef();
  const [hovered, setHovered] = useState(null);

  useEffect(() => {
    const chart = (plot.current = draw(box.current, setHovered));
    // Not in the observer's own turn: resizing there is reported as a loop.
    const resize = new ResizeObserver(() => requestAnimationFrame(() => {
      const width = box.current?.clientWidth;
      if (width && width !== chart.width) chart.setSize({ width, height: HEIGHT });
    }));
    resize.observe(box.current);
    const recolour = () => chart.redraw(false);
    addEventListener("themechange", recolour);
    return () => {
      removeEventListener("themechange", recolour);
      resize.disconnect();
      chart.destroy();
    };
  }, []);

  useEffect(() => plot.current.setData([throughput.at, throughput.received, throughput.published]), [throughput]);

  const i = hovered !== null && hovered < throughput.at.length ? hovered : throughput.at.length - 1;
  const [received, published] = [throughput.received[i] ?? 0, throughput.published[i] ?? 0];
  const peak = Math.max(0, ...throughput.received, ...throughput.published);
  return html`<div class="legend">
      <span class="series" data-series="in">In <b>${count(received)}</b>/s</span>
      <span class="series" data-series="out">Out <b>${count(published)}</b>/s</span>
      <span class="dim">${hovered === null ? `peak ${count(peak)}/s in 5 min` : `at ${localTime(throughput.at[i])}`}</span>
    </div>
    <div class="chart" ref=${box} role="img"
      aria-label=${`Messages per second in the last five minutes: now ${received} in and ${published} out, at most ${peak}`}></div>`;
}

function draw(box, setHovered) {
  // The colours of the theme, as the browser resolves them; asked for at each drawing because the theme may change.
  const colour = (name) => () => getComputedStyle(box).getPropertyValue(name);
  const axis = { stroke: colour("--chart-text"), font: "11px system-ui, sans-serif", ticks: { show: false } };
  return new globalThis.uPlot(
    {
      width: box.clientWidth || 300,
      height: HEIGHT,
      legend: { show: false },
      padding: [8, 8, 0, 0],
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
      scales: {
        // The window, not the data: a fresh chart is not stretched, and an idle one moves on.
        x: { range: () => [now() - WINDOW_S, now()] },
        y: { range: (_, __, most) => [0, Math.max(5, (most ?? 0) * 1.15)] },
      },
      axes: [
        {
          ...axis, size: 24, space: 70, incrs: [30, 60, 120, 300], grid: { show: false },
          values: (_, times) => times.map((t) => localTime(t).slice(-8, t % 60 ? undefined : -3)),
        },
        {
          ...axis, size: 44, space: 36, incrs: [1, 2, 5].flatMap((n) => [0, 1, 2, 3, 4, 5, 6].map((e) => n * 10 ** e)).sort((a, b) => a - b),
          grid: { stroke: colour("--chart-grid"), width: 1 }, values: (_, rates) => rates.map(count),
        },
      ],
      series: [
        {},
        { stroke: colour("--chart-in"), fill: colour("--chart-in-fill"), width: 1.5, points: { show: false } },
        { stroke: colour("--chart-out"), width: 1.5, points: { show: false } },
      ],
      hooks: { setCursor: [(chart) => setHovered(chart.cursor.idx ?? null)] },
    },
    [[], [], []],
    box,
  );
}
