document.documentElement.classList.add("scripts");
leaderboard();
rdmExplorer();
tuningExplorer();
embeddingExplorer();
// What scrolls sideways on a narrow screen can be scrolled by keys too.
function reachable() {
  document.querySelectorAll("main > figure").forEach((figure) => {
    if (figure.scrollWidth > figure.clientWidth) figure.tabIndex = 0;
    else figure.removeAttribute("tabindex");
  });
}
reachable();
addEventListener("resize", reachable);
dark.addEventListener("change", () => redraws.forEach((redraw) => redraw()));
// On paper nothing unfolds.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((details) => { details.open = true; }));
