const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const dark = matchMedia("(prefers-color-scheme: dark)");
const redraws = [];  // called when light turns to dark and back

// Plotly interprets markup in names; entities keep names unchanged.
const plain = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const kindColour = (kind) => colour({ "trained layer": "trained", "pretrained layer": "pretrained", "untrained twin": "untrained", recording: "recording" }[kind] || "control");
// Hollow for untrained networks: colour is not the only cue.
const kindSymbol = (kind) => ({ "untrained twin": "circle-open", "pretrained layer": "triangle-up", control: "square" }[kind] || "circle");
function shown(value, digits = 3) {
  if (value === null || Number.isNaN(value)) return "–";
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}
const counted = (n) => n.toLocaleString("en");
const signedShown = (value) => (value === null ? "–" : (value > 0 ? "+" : "") + shown(value));
const pShown = (value) => (value === null ? "–" : value < 0.001 ? "< 0.001" : value.toFixed(3));

function numbers(text, Kind) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Kind(bytes.buffer);
}

function layout(changes) {
  const axis = { color: colour("ink"), gridcolor: colour("line"), zerolinecolor: colour("line"), automargin: true };
  const { xaxis = {}, yaxis = {}, ...rest } = changes;
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false,
    font: { color: colour("ink"), family: "system-ui, sans-serif", size: 13 },
    margin: { l: 10, r: 10, t: 34, b: 10 },
    hoverlabel: { bgcolor: colour("paper"), bordercolor: colour("soft"), font: { color: colour("ink") } },
    ...rest, xaxis: { ...axis, ...xaxis }, yaxis: { ...axis, ...yaxis },
  };
}

// No toolbar, whose buttons would all be tab stops; the wheel scrolls the page.
const settings = { responsive: true, displayModeBar: false, scrollZoom: false };
const draw = (id, traces, changes) => Plotly.react(byId(id), traces, layout(changes), settings);

function fill(select, populations, chosen) {
  populations.forEach((population, index) => {
    const option = document.createElement("option");
    option.value = index;
    option.textContent = population.kind === "recording" ? `${population.label} (recording)` : population.label;
    select.append(option);
  });
  select.value = chosen;
}

// The sheet of all stimuli is embedded once, in one rule for all tiles.
const rule = document.createElement("style");
rule.textContent = `.tile { background-image: url("${data.stimuli.sheet}"); }`;
document.head.append(rule);

// The image of a stimulus: its tile of the sheet.
function tile(index, size = 96) {
  const { columns, width, height } = data.stimuli;
  const scale = size / Math.max(width, height);
  const element = document.createElement("div");
  element.className = "tile";
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", `stimulus ${data.stimuli.labels[index]}`);
  Object.assign(element.style, {
    width: `${width * scale}px`, height: `${height * scale}px`,
    backgroundSize: `${columns * width * scale}px auto`,
    backgroundPosition: `${-(index % columns) * width * scale}px ${-Math.floor(index / columns) * height * scale}px`,
  });
  return element;
}

// States how many stimuli are shown, if not all.
const keptNote = () => {
  const { labels, thinned_from: all } = data.stimuli;
  return all === null ? "" : `${counted(labels.length)} of ${counted(all)} stimuli, evenly sampled.`;
};

// An axis of degrees. Outside matrices it includes the end of the period if the data end one step before it.
function degreeAxis(values, { closed = true } = {}) {
  const { kind, period } = data.stimuli;
  const ordered = Array.from(values).sort((a, b) => a - b);
  const [low, last] = [ordered[0], ordered[ordered.length - 1]];
  const step = Math.max(0, ...ordered.slice(1).map((value, index) => value - ordered[index]));
  const high = closed && last + step >= low + period - 1e-6 ? Math.max(last, low + period) : last;
  const slack = 1e-6;
  const ends = (every) => [Math.ceil((low - slack) / every), Math.floor((high + slack) / every)];
  const every = [90, 45, 30, 15, 10, 5, 2, 1, 0.5].find((size) => size <= period / 4 && ends(size)[1] - ends(size)[0] >= 2);
  const axis = { title: { text: kind } };
  if (every !== undefined) {
    const [first, final] = ends(every);
    axis.tickvals = Array.from({ length: final - first + 1 }, (_, index) => (first + index) * every);
    axis.ticktext = axis.tickvals.map((tick) => `${shown(tick, every < 1 ? 1 : 0)}°`);
  }
  if (closed) { const room = 0.02 * (high - low) || 1; axis.range = [low - room, high + room]; }
  return axis;
}

const FEW_NAMES = 12;
const short = (name) => plain(name.length > 16 ? `${name.slice(0, 15)}…` : name);
// Positions of stimuli: degrees, or places in their order.
const places = data.stimuli.angles || data.stimuli.labels.map((_, index) => index);
function stimulusAxis(options) {
  const { angles, labels, kind, named } = data.stimuli;
  if (angles) return degreeAxis(angles, options);
  if (labels.length > FEW_NAMES && named) return { title: { text: `${kind}, in the recording's order` }, showticklabels: false, ticks: "" };
  const every = labels.length > FEW_NAMES ? Math.ceil(labels.length / 5) : 1;
  const ticks = places.filter((place) => place % every === 0);
  return { title: { text: kind }, tickvals: ticks, ticktext: ticks.map((place) => short(labels[place])) };
}
