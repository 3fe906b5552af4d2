// One neuron or unit: its tuning curve, and where it stands among the others that are kept.
function tuningExplorer() {
  const known = data.populations.filter((population) => population.tuning);
  if (!known.length) { byId("tuning-explorer")?.remove(); return; }
  const number = byId("tuning-unit");
  fill(byId("tuning-population"), known, 0);
  const curves = known.map(({ tuning }) => {
    const n = tuning.angles.length;
    const scaled = (text, low) => (text === null ? null : Array.from(numbers(text, Uint16Array), (value) => low + value * tuning.scale));
    return { n, mean: scaled(tuning.mean, tuning.low), error: scaled(tuning.error, 0) };
  });
  const current = () => Number(byId("tuning-population").value);
  const nameOf = (tuning, unit, neurons) => tuning.names[unit] || `${neurons ? "neuron" : "unit"} ${tuning.units[unit] + 1}`;

  function facts(tuning, unit) {
    const said = (name, text) => { const value = tuning.facts[name]?.[unit]; return value === undefined || value === null ? null : text(value); };
    return [
      said("preferred_deg", (value) => `prefers ${shown(value, 0)}°`), said("gosi", (value) => `gOSI ${shown(value, 2)}`),
      said("width_deg", (value) => `width ${shown(value, 0)}°`), said("p_value", (value) => `tuned with p ${value < 0.001 ? "< 0.001" : `= ${value.toFixed(3)}`}`),
      said("reliability", (value) => `reliability ${shown(value, 2)}`),
    ].filter((text) => text !== null).join(", ");
  }

  function show(unit) {
    const index = current();
    const { tuning, kind, label } = known[index];
    const { n, mean, error } = curves[index];
    const from = unit * n;
    const y = mean.slice(from, from + n);
    const name = nameOf(tuning, unit, kind === "recording");
    number.value = unit + 1;
    byId("tuning-facts").textContent = `${label}, ${name}: ${facts(tuning, unit)}`;
    const line = { type: "scatter", mode: "lines", x: tuning.angles, y, line: { color: kindColour(kind) }, hovertemplate: "%{x:.4g}°: %{y:.3f}<extra></extra>" };
    const bands = error === null ? [] : [1, -1].map((sign) => ({
      type: "scatter", mode: "lines", x: tuning.angles, y: y.map((value, place) => value + sign * error[from + place]), line: { width: 0 }, hoverinfo: "skip",
      ...(sign < 0 ? { fill: "tonexty", fillcolor: colour("band") } : {}),
    }));
    draw("tuning-plot", [...bands, line], {
      height: 320, title: { text: plain(name), font: { size: 13 } },
      xaxis: stimulusAxis(), yaxis: { title: { text: kind === "recording" ? "response" : "activation" } },
    });
    const { preferred_deg: x = [], gosi = [] } = tuning.facts;
    const size = tuning.units.map((_, place) => (place === unit ? 13 : 6));
    draw("tuning-overview", [{
      type: "scatter", mode: "markers", x, y: gosi, text: tuning.units.map((_, place) => plain(nameOf(tuning, place, kind === "recording"))), hovertemplate: "%{text}: %{x:.0f}°, gOSI %{y:.2f}<extra></extra>",
      marker: { size, color: tuning.units.map((_, place) => (place === unit ? colour("mark") : kindColour(kind))), opacity: 0.85 },
    }], { height: 320, title: { text: "all that can be chosen", font: { size: 13 } }, xaxis: { ...stimulusAxis(), title: { text: `preferred ${data.stimuli.kind}` } }, yaxis: { title: { text: "gOSI" }, rangemode: "tozero" } });
  }

  function choose() {
    const { tuning, kind } = known[current()];
    number.max = tuning.units.length;
    byId("tuning-count").textContent = `${kind === "recording" ? "neuron" : "unit"}, 1 to ${tuning.units.length}`;
    show(0);
  }
  const step = (by) => { const n = Number(number.max); show((Number(number.value) - 1 + by + n) % n); };
  choose();
  byId("tuning-population").addEventListener("change", choose);
  number.addEventListener("change", () => { const n = Number(number.max); show(Math.min(Math.max(Math.round(Number(number.value)) || 1, 1), n) - 1); });
  document.querySelectorAll("[data-step]").forEach((button) => button.addEventListener("click", () => step(Number(button.dataset.step))));
  byId("tuning-overview").on("plotly_click", (event) => show(event.points[0].pointIndex));
  redraws.push(() => show(Number(number.value) - 1));
}
