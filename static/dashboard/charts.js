// Draws each table that asks for it: <table data-chart="ID of the box"> with columns that say how they are drawn,
// <th data-draw="bars|line|dashes" data-axis="left|right">. The table stays what people and screen readers read.
(() => {
  const HEIGHT = 240;
  const dark = matchMedia("(prefers-color-scheme: dark)");

  const number = (cell) => Number(cell.dataset.value ?? cell.textContent.replaceAll(",", ""));

  function read(table) {
    const heads = [...table.tHead.rows[0].cells];
    const rows = [...table.tBodies[0].rows].filter((row) => !row.classList.contains("total"));
    if (table.dataset.order === "newest") rows.reverse();
    const columns = heads.flatMap((head, at) =>
      head.dataset.draw
        ? [{ name: head.textContent.trim(), draw: head.dataset.draw, axis: head.dataset.axis || "left", values: rows.map((row) => number(row.cells[at])) }]
        : [],
    );
    const labels = rows.map((row) => row.cells[0].dataset.short || row.cells[0].textContent.trim());
    const titles = rows.map((row) => row.cells[0].textContent.trim());
    const said = rows.map((row) => heads.flatMap((head, at) => (head.dataset.draw ? [row.cells[at].textContent.trim()] : [])));
    return { columns, labels, titles, said };
  }

  function colours() {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(name).trim();
    return { bars: of("--brand"), line: of("--chart-2"), dashes: of("--chart-3"), ink: of("--faint"), grid: of("--line-soft") };
  }

  function legend(columns) {
    const list = document.createElement("ul");
    list.className = "legend";
    for (const { name, draw } of columns) {
      const item = document.createElement("li");
      item.className = `key-${draw}`;
      item.textContent = name;
      list.append(item);
    }
    return list;
  }

  // What the point under the pointer says.
  function tip({ columns, titles, said }) {
    const box = document.createElement("div");
    box.className = "tip";
    box.hidden = true;
    const show = (chart) => {
      const at = chart.cursor.idx;
      box.hidden = at == null || chart.cursor.left < 0;
      if (box.hidden) return;
      const lines = columns.map(({ name, draw }, n) => {
        const line = document.createElement("span");
        line.className = `key-${draw}`;
        line.textContent = `${said[at][n]} ${name.toLowerCase()}`;
        return line;
      });
      const head = document.createElement("strong");
      head.textContent = titles[at];
      box.replaceChildren(head, ...lines);
      const left = chart.valToPos(at, "x");
      const room = chart.over.clientWidth - box.offsetWidth;
      box.style.transform = `translate(${Math.max(0, Math.min(room, left + 14 > room ? left - box.offsetWidth - 14 : left + 14))}px, 4px)`;
    };
    return { hooks: { init: [(chart) => chart.over.append(box)], setCursor: [show] } };
  }

  function options(data, width) {
    const { columns, labels } = data;
    const colour = colours();
    const font = `12px ${getComputedStyle(document.body).fontFamily}`;
    const two = columns.some(({ axis }) => axis === "right");
    const bars = uPlot.paths.bars({ size: [0.62, 34], radius: [0.15, 0] });
    const axis = (scale, side) => ({
      scale, side, font, stroke: colour.ink, size: 44, gap: 6, ticks: { show: false },
      grid: { show: side === 3, stroke: colour.grid, width: 1 },
      space: 44,
      incrs: [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1e3, 2e3, 2500, 5e3, 1e4, 2e4, 25e3, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6, 5e6, 1e7],
      values: (_, splits) => splits.map((value) => value.toLocaleString("en-US")),
    });
    const range = (_, __, most) => [0, Math.max(most * 1.08 || 0, 4)];
    return {
      width,
      height: HEIGHT,
      legend: { show: false },
      padding: [10, two ? 4 : 12, 0, 0],
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 8 } },
      scales: {
        x: { time: false, range: [-0.6, labels.length - 0.4] },
        left: { range },
        ...(two && { right: { range } }),
      },
      axes: [
        {
          font, stroke: colour.ink, size: 30, gap: 6, ticks: { show: false }, grid: { show: false }, space: 62,
          incrs: [1, 2, 3, 5, 7, 10, 14, 20, 30],
          values: (_, splits) => splits.map((at) => labels[at] ?? ""),
        },
        axis("left", 3),
        ...(two ? [axis("right", 1)] : []),
      ],
      series: [
        {},
        ...columns.map(({ name, draw, axis: scale }) => ({
          label: name, scale, stroke: colour[draw], width: draw === "bars" ? 0 : 2, points: { show: false },
          ...(draw === "bars" && { fill: colour.bars, paths: bars }),
          ...(draw === "dashes" && { dash: [5, 5] }),
        })),
      ],
      plugins: [tip(data)],
    };
  }

  for (const table of document.querySelectorAll("table[data-chart]")) {
    const box = document.getElementById(table.dataset.chart);
    const data = read(table);
    if (!box || data.labels.length < 2) continue;
    const values = [data.labels.map((_, at) => at), ...data.columns.map((column) => column.values)];
    const canvas = document.createElement("div");
    let chart;
    const draw = () => {
      chart?.destroy();
      canvas.replaceChildren();
      chart = new uPlot(options(data, box.clientWidth), values, canvas);
    };
    box.replaceChildren(legend(data.columns), canvas);
    table.closest("details")?.removeAttribute("open");
    draw();
    dark.addEventListener("change", draw);
    new ResizeObserver(() => {
      if (chart.width !== box.clientWidth) chart.setSize({ width: box.clientWidth, height: HEIGHT });
    }).observe(box);
    addEventListener("dni:changed", () => {
      const now = read(table);
      chart.setData([values[0], ...now.columns.map((column) => column.values)]);
    });
  }
})();
