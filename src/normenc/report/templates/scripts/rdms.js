// Two dissimilarity matrices: the pair of stimuli under the pointer, in both, and the chosen row.
function rdmExplorer() {
  const { labels } = data.stimuli;
  const n = labels.length;
  const bounded = ["correlation", "cosine"].includes(data.metric);
  const vectors = data.populations.map(({ rdm }) => Float32Array.from(numbers(rdm.values, Uint16Array), (value) => rdm.low + value * rdm.scale));
  const matrices = vectors.map((above) => {
    const matrix = Array.from({ length: n }, () => new Float32Array(n));
    let place = 0;
    for (let i = 0; i < n; i += 1) for (let j = i + 1; j < n; j += 1) { matrix[i][j] = above[place]; matrix[j][i] = above[place]; place += 1; }
    return matrix;
  });
  // The ends of a matrix's scale: where matrices differ much, its own, without its most extreme dissimilarities.
  const scales = vectors.map((above) => {
    if (!data.own_scales) return [0, bounded ? 2 : undefined];
    const sorted = above.slice().sort();
    const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
    return at(0.98) > at(0.02) ? [at(0.02), at(0.98)] : [0, bounded ? 2 : undefined];
  });
  const sides = ["left", "right"];
  const trained = data.populations.findIndex((population) => ["trained layer", "pretrained layer"].includes(population.kind));
  const chosen = (side) => Number(byId(`rdm-${side}`).value);
  sides.forEach((side, index) => fill(byId(`rdm-${side}`), data.populations, index === 0 ? 0 : Math.max(trained, 0)));
  for (const id of ["rdm-row", "rdm-column"]) byId(id).max = n - 1;
  let pair = [Math.floor(n / 4), Math.floor(n / 2)];

  function look(row, column) {
    pair = [row, column];
    const seen = byId("rdm-seen");
    const figures = pair.map((index) => {
      const figure = document.createElement("figure");
      const caption = document.createElement("figcaption");
      caption.textContent = labels[index];
      figure.append(tile(index), caption);
      return figure;
    });
    const said = document.createElement("div");
    sides.forEach((side) => {
      const line = document.createElement("div");
      line.textContent = `${data.populations[chosen(side)].label}: ${shown(matrices[chosen(side)][row][column])}`;
      said.append(line);
    });
    seen.replaceChildren(...figures, said);
    byId("rdm-row").value = row;
    byId("rdm-column").value = column;
    byId("rdm-row").setAttribute("aria-valuetext", labels[row]);
    byId("rdm-column").setAttribute("aria-valuetext", labels[column]);
  }

  function drawMatrix(side) {
    const index = chosen(side);
    const name = plain(data.populations[index].label);
    const axis = stimulusAxis({ closed: false });
    const trace = {
      type: "heatmap", x: places, y: places, z: matrices[index], colorscale: "Viridis", zmin: scales[index][0], zmax: scales[index][1],
      customdata: labels.map((first) => labels.map((second) => [plain(first), plain(second)])),
      hovertemplate: "%{customdata[0]} and %{customdata[1]}: %{z:.3f}<extra></extra>",
      colorbar: { thickness: 10, outlinewidth: 0, tickfont: { color: colour("ink") } },
    };
    return draw(`rdm-${side}-plot`, [trace], {
      height: 360, title: { text: name, font: { size: 13 } },
      xaxis: { ...axis, constrain: "domain" }, yaxis: { ...axis, autorange: "reversed", scaleanchor: "x", constrain: "domain" },
    });
  }

  function drawRow() {
    const row = pair[0];
    // Colours show kinds, which may be the same on both sides; the right one is dashed, or hollow.
    const own = sides.map((side) => kindColour(data.populations[chosen(side)].kind));
    const traces = sides.map((side, index) => ({
      type: "scatter", mode: data.stimuli.angles ? "lines" : "markers", x: places, y: Array.from(matrices[chosen(side)][row]), name: plain(data.populations[chosen(side)].label),
      line: { color: own[index], dash: index === 0 ? "solid" : "dash" }, marker: { color: own[index], symbol: index === 0 ? "circle" : "circle-open" },
      text: labels.map(plain), hovertemplate: "%{text}: %{y:.3f}<extra>%{fullData.name}</extra>",
    }));
    draw("rdm-rows-plot", traces, {
      height: 280, showlegend: true, legend: { orientation: "h", y: 1.02, yanchor: "bottom" },
      title: { text: `row ${plain(labels[row])}`, font: { size: 13 }, x: 0 }, margin: { l: 10, r: 10, t: 60, b: 10 },
      xaxis: stimulusAxis(), yaxis: { title: { text: "dissimilarity" } },
      shapes: [{ type: "line", xref: "x", yref: "paper", x0: places[row], x1: places[row], y0: 0, y1: 1, line: { color: colour("soft"), dash: "dot", width: 1 } }],
    });
  }

  const placeOf = (point) => [point.pointIndex, point.pointNumber].find(Array.isArray);
  function all() {
    sides.forEach(drawMatrix);
    look(...pair);
    drawRow();
  }
  const scaled = data.own_scales ? "Each matrix has a scale of its own, from its 2nd to its 98th percentile." : "";
  byId("rdm-kept").textContent = [scaled, keptNote()].join(" ").trim();
  all();
  sides.forEach((side) => {
    const plot = byId(`rdm-${side}-plot`);
    plot.on("plotly_hover", (event) => look(...placeOf(event.points[0])));
    plot.on("plotly_click", (event) => { look(...placeOf(event.points[0])); drawRow(); });
    byId(`rdm-${side}`).addEventListener("change", () => { drawMatrix(side); look(...pair); drawRow(); });
  });
  byId("rdm-row").addEventListener("input", (event) => { look(Number(event.target.value), pair[1]); drawRow(); });
  byId("rdm-column").addEventListener("input", (event) => look(pair[0], Number(event.target.value)));
  redraws.push(all);
}
