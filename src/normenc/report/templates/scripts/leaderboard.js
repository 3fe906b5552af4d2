// The leaderboard: sorted by a click on a heading, filtered by kind and name, and by each measure of similarity.
function leaderboard() {
  const { labels, methods } = data.leaderboard;
  const table = byId("leaderboard");
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const columns = [null, null, null, "similarity", "low", "p_permutations_holm", "p_shifts_holm", "minus_ceiling", "p_ceiling_holm"];
  let method = methods[0];
  let sorted = { column: null, descending: false };

  const valueOf = (row, column) => {
    const index = Number(row.dataset.row);
    if (columns[column]) return method.rows[index][columns[column]];
    const text = row.cells[column].textContent;
    return column === 2 ? (text === "–" ? null : Number(text)) : text;
  };
  const compared = (a, b) => (typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b);
  const visible = () => Array.from(body.rows).filter((row) => !row.hidden);

  function write() {
    rows.forEach((line) => {
      const row = method.rows[Number(line.dataset.row)];
      const texts = [shown(row.similarity), row.low === null ? "–" : `${shown(row.low)} to ${shown(row.high)}`, ...columns.slice(5).map((name) => (name === "minus_ceiling" ? signedShown(row[name]) : pShown(row[name])))];
      texts.forEach((text, offset) => { line.cells[3 + offset].textContent = text; });
    });
  }

  function sort() {
    const { column, descending } = sorted;
    const ordered = [...rows];
    if (column !== null) {
      ordered.sort((a, b) => {
        const [first, second] = [valueOf(a, column), valueOf(b, column)];
        if (first === null || second === null) return (first === null) - (second === null);  // unknown values last
        return compared(first, second) * (descending ? -1 : 1);
      });
    }
    body.append(...ordered);
    Array.from(table.tHead.rows[0].cells).forEach((cell, index) => {
      if (index === column) cell.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    });
  }

  function filter() {
    const kind = byId("kind").value;
    const name = byId("filter").value.trim().toLowerCase();
    rows.forEach((row) => {
      row.hidden = (kind && row.dataset.kind !== kind) || !row.cells[0].textContent.toLowerCase().includes(name);
    });
    byId("counted").textContent = `${visible().length} of ${rows.length} encoders`;
  }

  function plot() {
    const order = visible().map((row) => Number(row.dataset.row)).reverse();
    const encoders = order.map((index) => method.rows[index]);
    const kinds = order.map((index) => rows[index].dataset.kind);
    const texts = encoders.map((row, place) => `${plain(labels[order[place]])}: ${shown(row.similarity)}${row.low === null ? "" : ` (${shown(row.low)} to ${shown(row.high)})`}`);
    const trace = {
      type: "scatter", mode: "markers", x: encoders.map((row) => row.similarity), y: order.map((_, place) => place), text: texts, hoverinfo: "text",
      marker: { size: 9, opacity: order.map((index) => ("failed" in rows[index].dataset ? 0.3 : 1)), color: kinds.map(kindColour), symbol: kinds.map(kindSymbol), line: { width: 2, color: kinds.map(kindColour) } },
      error_x: { type: "data", symmetric: false, array: encoders.map((row) => (row.high === null ? 0 : row.high - row.similarity)), arrayminus: encoders.map((row) => (row.low === null ? 0 : row.similarity - row.low)), color: colour("soft"), thickness: 1.5, width: 0 },
    };
    const [lower, upper] = method.ceiling;
    const shapes = lower === null ? [] : [{ type: "rect", layer: "below", xref: "x", yref: "paper", x0: lower, x1: upper, y0: 0, y1: 1, fillcolor: colour("band"), line: { width: 0 } }];
    draw("leaderboard-plot", [trace], {
      height: 90 + 26 * Math.max(order.length, 2), shapes,
      title: { text: `similarity by ${method.name}${lower === null ? "; the noise ceiling is unknown" : "; the band is the noise ceiling"}`, font: { size: 13 }, x: 0 },
      xaxis: { title: { text: "similarity" } },
      yaxis: { tickvals: order.map((_, place) => place), ticktext: order.map((index) => plain(labels[index])), range: [-0.7, order.length - 0.3], fixedrange: true },
    });
  }

  Array.from(table.tHead.rows[0].cells).forEach((cell, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = cell.textContent;
    cell.replaceChildren(button);
    button.addEventListener("click", () => {
      const numeric = columns[column] === "similarity" || columns[column] === "low" || columns[column] === "minus_ceiling";
      sorted = sorted.column === column ? { column, descending: !sorted.descending } : { column, descending: numeric };
      sort();
      plot();
    });
  });
  byId("method").addEventListener("change", (event) => { method = methods[event.target.selectedIndex]; write(); sort(); plot(); });
  for (const id of ["kind", "filter"]) byId(id).addEventListener("input", () => { filter(); plot(); });
  filter();
  plot();
  redraws.push(plot);
}
