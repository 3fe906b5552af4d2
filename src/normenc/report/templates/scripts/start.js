document.documentElement.classList.add("scripts");
leaderboard();
rdmExplorer();
tuningExplorer();
embeddingExplorer();
dark.addEventListener("change", () => redraws.forEach((redraw) => redraw()));
// On paper nothing unfolds.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((details) => { details.open = true; }));
