const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const dark = matchMedia("(prefers-color-scheme: dark)");
const redraws = [];  // called when light turns to dark and back

// Plotly reads some markup in names; as entities it stays what it was.
const plain = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const kindColour = (kind) => colour({ "trained layer": "trained", "untrained twin": "untrained", recording: "recording" }[kind] || "control");
const shown = (value, digits = 3) => (value === null || Number.isNaN(value) ? "–" : value.toFixed(digits).replace("-", "−"));
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

const settings = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };
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

// A stimulus as a picture: its tile of the sheet that all stimuli share.
function tile(index, size = 96) {
  const { sheet, tiles, columns, width, height } = data.stimuli;
  const scale = size / Math.max(width, height);
  const place = tiles[index];
  const element = document.createElement("div");
  element.className = "tile";
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", `stimulus ${data.stimuli.labels[index]}`);
  Object.assign(element.style, {
    width: `${width * scale}px`, height: `${height * scale}px`,
    backgroundImage: `url(${sheet})`, backgroundSize: `${columns * width * scale}px auto`,
    backgroundPosition: `${-(place % columns) * width * scale}px ${-Math.floor(place / columns) * height * scale}px`,
  });
  return element;
}

const stimulusAxis = () => {
  const { angles, kind } = data.stimuli;
  if (!angles) return { title: { text: "stimulus" } };
  const ticks = kind === "orientation" ? [-90, -45, 0, 45, 90] : [-180, -90, 0, 90, 180, 270, 360];
  const inside = ticks.filter((tick) => tick >= angles[0] && tick <= angles[angles.length - 1]);
  return { title: { text: kind }, tickvals: inside, ticktext: inside.map((tick) => `${tick}°`.replace("-", "−")) };
};
const places = data.stimuli.angles || data.stimuli.labels.map((_, index) => index);
