// The first three principal components, which the reader can rotate; two if the browser has no WebGL.
function embeddingExplorer() {
  const n = data.stimuli.labels.length;
  const { angles, period, start } = data.stimuli;
  // Both ends of the circle share a colour, as in the figures.
  const circle = [[0, "#c9c3d6"], [0.25, "#5f76bc"], [0.5, "#2f1436"], [0.75, "#b2606a"], [1, "#c9c3d6"]];
  const deep = (() => { try { return Boolean(document.createElement("canvas").getContext("webgl")); } catch { return false; } })();
  const first = { eye: { x: 2.2 * Math.cos(0.8), y: 2.2 * Math.sin(0.8), z: 0.8 }, center: { x: 0, y: 0, z: -0.25 }, up: { x: 0, y: 0, z: 1 } };
  fill(byId("embedding-population"), data.populations, 0);
  if (!deep) document.querySelectorAll("[data-turn], #embedding-first").forEach((button) => { button.disabled = true; });

  function scale() {
    const { tickvals, ticktext } = degreeAxis([start, start + period]);
    const colorbar = { thickness: 10, title: { text: data.stimuli.kind }, tickvals, ticktext, tickfont: { color: colour("ink") } };
    return { colorscale: circle, cmin: start, cmax: start + period, showscale: innerWidth > 600, colorbar };
  }

  // The view that the reader chose, by the mouse or the buttons. Plotly changes its arguments, hence the copies.
  const copied = ({ eye, center, up }) => ({ eye: { ...eye }, center: { ...center }, up: { ...up } });
  function view() {
    const scene = byId("embedding-plot")._fullLayout?.scene;
    return copied(scene?._scene?.getCamera() ?? scene?.camera ?? first);
  }
  function turned({ eye, center, up }, by) {
    const around = ({ x, y, z }) => ({ x: x * Math.cos(by) - y * Math.sin(by), y: x * Math.sin(by) + y * Math.cos(by), z });
    return { eye: around(eye), center: around(center), up: around(up) };
  }

  function plot(camera = view()) {
    const population = data.populations[Number(byId("embedding-population").value)];
    const flat = numbers(population.components, Float32Array);
    const axis = (component) => Array.from({ length: n }, (_, index) => flat[3 * index + component]);
    // Stimuli on the same point, such as opposite directions of a network, are named together.
    const places = Array.from({ length: n }, (_, index) => flat.slice(3 * index, 3 * index + 3).join());
    const text = places.map((place) => data.stimuli.labels.filter((_, index) => places[index] === place).map(plain).join(", "));
    const marker = { size: deep ? 4 : 8, ...(angles ? { color: angles, ...scale(), line: { color: colour("soft"), width: 0.5 } } : { color: kindColour(population.kind) }) };
    const shared = { text, hoverinfo: "text", x: axis(0), y: axis(1), marker };
    const title = { text: plain(population.label), font: { size: 13 } };
    byId("embedding-note").textContent = [deep ? "Drag to rotate, or use the buttons. Point at a dot to see its stimulus." : "This browser has no WebGL: the first two components are shown. Point at a dot to see its stimulus.", keptNote()].join(" ").trim();
    if (!deep) { draw("embedding-plot", [{ type: "scatter", mode: "markers", ...shared }], { height: 420, title, xaxis: { title: { text: "first component" } }, yaxis: { title: { text: "second component" } } }); return; }
    const side = (text) => ({ title: { text }, color: colour("ink"), gridcolor: colour("line"), showbackground: false, zeroline: false });
    draw("embedding-plot", [{ type: "scatter3d", mode: angles ? "lines+markers" : "markers", line: { color: colour("line"), width: 2 }, z: axis(2), ...shared }], {
      height: 460, title, margin: { l: 0, r: 0, t: 34, b: 0 },
      scene: { xaxis: side("1"), yaxis: side("2"), zaxis: side("3"), aspectmode: "data", camera },
    });
  }
  plot();
  byId("embedding-plot").on("plotly_hover", (event) => {
    const index = event.points[0].pointNumber;
    const figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    caption.textContent = data.stimuli.labels[index];
    figure.append(tile(index), caption);
    byId("embedding-seen").replaceChildren(figure);
  });
  byId("embedding-population").addEventListener("change", () => plot());
  document.querySelectorAll("[data-turn]").forEach((button) => button.addEventListener("click", () => plot(turned(view(), Number(button.dataset.turn) * Math.PI / 8))));
  // Plotly would not let the wheel scroll the page, even without zooming.
  byId("embedding-plot").addEventListener("wheel", (event) => event.stopPropagation(), { capture: true, passive: true });
  byId("embedding-first").addEventListener("click", () => plot(copied(first)));
  redraws.push(() => plot());
}
