document.documentElement.classList.add("scripts");
leaderboard();
rdmExplorer();
tuningExplorer();
embeddingExplorer();
// Figures that scroll sideways on a narrow screen can also be scrolled by keys.
function reachable() {
  document.querySelectorAll(".scroll").forEach((table) => table.classList.toggle("wider", table.scrollWidth > table.clientWidth));
  document.querySelectorAll("main > figure").forEach((figure) => {
    if (figure.scrollWidth > figure.clientWidth) figure.tabIndex = 0;
    else figure.removeAttribute("tabindex");
  });
}
reachable();
addEventListener("resize", reachable);
dark.addEventListener("change", () => redraws.forEach((redraw) => redraw()));
// In print, all details are open.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((details) => { details.open = true; }));
