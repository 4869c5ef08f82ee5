// What buttons, keys and links do; and the start of it all.

const ACTS = {
  model: () => choose(""),
  close: forget,
  expand,
  collapse,
  fit: () => camera.fit(true),
  closer: () => camera.zoom(1.25, undefined, true),
  farther: () => camera.zoom(0.8, undefined, true),
  theme: switchTheme,
  help: () => find("dialog.help").showModal(),
};

const KEYS = {
  "+": ACTS.closer, "=": ACTS.closer, "-": ACTS.farther, "−": ACTS.farther, 0: ACTS.fit, f: ACTS.fit,
  ArrowLeft: () => camera.move(80, 0, true), ArrowRight: () => camera.move(-80, 0, true),
  ArrowUp: () => camera.move(0, 80, true), ArrowDown: () => camera.move(0, -80, true),
  "/": () => search.field.select(), n: () => search.next(1), p: () => search.next(-1),
  1: () => goToNamed("overview"), 2: () => goToNamed("block"), 3: () => goToNamed("full"),
  e: expand, c: collapse, t: switchTheme, "?": ACTS.help,
  Escape: () => (search.field.value ? search.clear() : forget()),
};

function goToNamed(name) {
  const shown = facts.same[name] ?? name;
  const index = facts.levels.findIndex((each) => each.name === shown);
  if (index < 0) return say(`This page has no picture of the level “${name}”.`);
  if (shown !== name) say(`At the level “${name}” the picture is the same as at “${shown}”.`);
  goTo(index);
}

function switchTheme() {
  const root = document.documentElement;
  const dark = getComputedStyle(root).colorScheme === "dark" || (!root.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
  root.dataset.theme = dark ? "light" : "dark";
}

function touch(part) {
  const name = part.dataset.about;
  if (name !== chosen) choose(name, { still: true });
  else if (!isOpen(name)) expand();
  else panel.focus();
}

function follow() {
  if (location.hash) choose(linked(location.hash.slice(1)), { history: "", open: true });
  else if (chosen !== null) forget();
}

// The name in an address; as it stands where it is not written as addresses are.
function linked(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || find("dialog[open]")) return;
  if (event.target === search.field) return onSearchKey(event);
  const part = event.target.closest("[data-about]");
  const act = part && (event.key === "Enter" || event.key === " ") ? () => touch(part) : KEYS[event.key];
  if (!act || (event.target.closest(".panel") && event.key.startsWith("Arrow"))) return;
  event.preventDefault();
  act();
}

function onSearchKey(event) {
  if (event.key === "Escape") search.clear();
  else if (event.key === "Enter") search.next(event.shiftKey ? -1 : 1);
}

function start() {
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", (event) => {
    const asked = event.target.closest("[data-act], button[data-level], [data-about]");
    if (!asked) return;
    if (asked.dataset.act) ACTS[asked.dataset.act]();
    else if (asked.dataset.level) goToNamed(asked.dataset.level);
    else touch(asked);
  });
  canvas.addEventListener("focusin", (event) => event.target.matches(":focus-visible") && camera.show(event.target));
  addEventListener("hashchange", follow);
  addEventListener("resize", () => camera.resize());
  holdAndDrag(canvas, camera);
  rollTheWheel(canvas, camera);
  goToNamed(find(".picture:not([hidden])").dataset.level);
  follow();
}

start();
