// One neuron or unit: its tuning curve, and its position among the others that the page contains.
function tuningExplorer() {
  const known = data.populations.filter((population) => population.tuning);
  if (!known.length) { byId("tuning-explorer")?.remove(); return; }
  const input = byId("tuning-unit");
  let chosen = 0;  // its index among those that the page contains
  fill(byId("tuning-population"), known, 0);
  const curves = known.map(({ tuning }) => {
    const n = tuning.angles.length;
    const scaled = (text, low) => (text === null ? null : Array.from(numbers(text, Uint16Array), (value) => low + value * tuning.scale));
    return { n, mean: scaled(tuning.mean, tuning.low), error: scaled(tuning.error, 0) };
  });
  const current = () => Number(byId("tuning-population").value);
  const nounOf = (kind) => (kind === "recording" ? "neuron" : "unit");
  const keyOf = (tuning, place) => tuning.names[place] || String(tuning.units[place]);  // a unit's number, from 0
  const nameOf = (tuning, place, kind) => `${nounOf(kind)} ${keyOf(tuning, place)}`;
  const numbered = (tuning) => tuning.units.every((_, place) => keyOf(tuning, place).trim() !== "" && Number.isFinite(Number(keyOf(tuning, place))));
  function keptOf({ tuning, kind }) {
    const [n, all] = [tuning.units.length, tuning.total];
    const noun = (count) => `${counted(count)} ${nounOf(kind)}${count === 1 ? "" : "s"}`;
    if (all === null) return noun(n);
    return n === all ? `all of ${noun(all)}` : `${counted(n)} of ${noun(all)}, drawn at random`;
  }

  // The index of the neuron that the reader asks for, by name or number, or of the nearest, and a note about it.
  function search({ tuning, kind }, text) {
    const asked = text.trim();
    const keys = tuning.units.map((_, place) => keyOf(tuning, place));
    const same = [keys.indexOf(asked), keys.findIndex((key) => key.toLowerCase() === asked.toLowerCase())].find((place) => place >= 0);
    if (same !== undefined || asked === "") return [same ?? chosen, ""];
    if (Number.isFinite(Number(asked)) && numbered(tuning)) {
      const distances = keys.map((key) => Math.abs(Number(key) - Number(asked)));
      const nearest = distances.indexOf(Math.min(...distances));
      return [nearest, distances[nearest] === 0 ? "" : `${nounOf(kind)} ${asked.replace("-", "−")} is not among ${keptOf({ tuning, kind })}; the nearest is shown. `];
    }
    const part = keys.findIndex((key) => key.toLowerCase().includes(asked.toLowerCase()));
    if (part >= 0) return [part, `This is the first whose name contains “${asked}”. `];
    return [chosen, `No ${nounOf(kind)} on this page is called “${asked}”. `];
  }

  function facts(tuning, unit) {
    const value = (name) => tuning.facts[name]?.[unit] ?? null;
    const said = (name, text) => (value(name) === null ? null : text(value(name)));
    const small = (p) => `p ${p < 0.001 ? "< 0.001" : `= ${p.toFixed(3)}`}`;
    const preferred = (kind) => said(`preferred_${kind}_deg`, (angle) => `prefers ${kind} ${shown(angle, 0)}°${said(`p_${kind}`, (p) => ` (${small(p)})`) ?? ""}`);
    // The width of the fitted curve is meaningless without evidence of tuning.
    const tuned = value("tuned_orientation") === 1 || value("tuned_direction") === 1;
    return [
      preferred("orientation"), preferred("direction"),
      said("gosi", (index) => `gOSI ${shown(index, 2)}`), said("gdsi", (index) => `gDSI ${shown(index, 2)}`),
      tuned ? said("width_deg", (width) => `width ${shown(width, 0)}°`) : null,
      said("p_stimulus", (p) => `any tuning ${small(p)}`), said("p_responsive", (p) => `against blanks ${small(p)}`),
      said("reliability", (r) => `reliability ${shown(r, 2)}`),
    ].filter((text) => text !== null).join(", ");
  }

  function show(unit, said = "") {
    chosen = unit;
    const index = current();
    const { tuning, kind, label } = known[index];
    const { n, mean, error } = curves[index];
    const from = unit * n;
    const y = mean.slice(from, from + n);
    const name = nameOf(tuning, unit, kind);
    input.value = keyOf(tuning, unit);
    byId("tuning-facts").textContent = `${said}${label}, ${name}: ${facts(tuning, unit)}`;
    const line = { type: "scatter", mode: "lines", x: tuning.angles, y, line: { color: kindColour(kind) }, hovertemplate: "%{x:.4g}°: %{y:.3f}<extra></extra>" };
    const bands = error === null ? [] : [1, -1].map((sign) => ({
      type: "scatter", mode: "lines", x: tuning.angles, y: y.map((value, place) => value + sign * error[from + place]), line: { width: 0 }, hoverinfo: "skip",
      ...(sign < 0 ? { fill: "tonexty", fillcolor: colour("band") } : {}),
    }));
    draw("tuning-plot", [...bands, line], {
      height: 320, title: { text: plain(name), font: { size: 13 } },
      xaxis: degreeAxis(tuning.angles), yaxis: { title: { text: kind === "recording" ? "response" : "activation" } },
    });
    const { preferred_orientation_deg: x = [], gosi = [] } = tuning.facts;
    const size = tuning.units.map((_, place) => (place === unit ? 13 : 6));
    draw("tuning-overview", [{
      type: "scatter", mode: "markers", x, y: gosi, text: tuning.units.map((_, place) => plain(nameOf(tuning, place, kind))), hovertemplate: "%{text}: %{x:.0f}°, gOSI %{y:.2f}<extra></extra>",
      marker: { size, color: tuning.units.map((_, place) => (place === unit ? colour("mark") : kindColour(kind))), opacity: 0.85 },
    }], { height: 320, title: { text: keptOf(known[index]), font: { size: 13 } }, xaxis: { ...degreeAxis([-90, 0, 90]), title: { text: "preferred orientation" } }, yaxis: { title: { text: "gOSI" }, rangemode: "tozero" } });
  }

  function choose() {
    const { tuning, kind } = known[current()];
    byId("tuning-label").textContent = `${nounOf(kind)}, by ${numbered(tuning) ? "number" : "name"}`;
    byId("tuning-kept").textContent = `Available: ${keptOf(known[current()])}.`;
    byId("tuning-units").replaceChildren(...tuning.units.map((_, place) => {
      const option = document.createElement("option");
      option.value = keyOf(tuning, place);
      return option;
    }));
    show(0);
  }
  function step(by) {
    const n = known[current()].tuning.units.length;
    show((chosen + by + n) % n);
  }
  choose();
  byId("tuning-population").addEventListener("change", choose);
  input.addEventListener("change", () => show(...search(known[current()], input.value)));
  document.querySelectorAll("[data-step]").forEach((button) => button.addEventListener("click", () => step(Number(button.dataset.step))));
  byId("tuning-overview").on("plotly_click", (event) => show(event.points[0].pointIndex));
  redraws.push(() => show(chosen));
}
