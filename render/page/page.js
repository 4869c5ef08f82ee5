// The page brought to life: the levels, and what is chosen.

const facts = readFacts();
const find = (selector) => document.querySelector(selector);
const canvas = find(".canvas");
const panel = find(".panel");
const camera = new Camera(canvas, room);
const search = new Search(find(".search"), facts, { arrive: (name) => choose(name, { history: "replace" }), mark: ring });
let chosen = null; // the name of a layer or group; "" is the model itself
let ringed = [];

// What the facts leave unsaid because it can be worked out: who reads a layer, and what each part of a picture is about.
function readFacts() {
  const read = JSON.parse(document.getElementById("page:facts").textContent);
  read.readers = new Map();
  for (const [name, entry] of Object.entries(read.entries))
    for (const [from] of entry.reads ?? []) if (!at(read.readers, from).includes(name)) at(read.readers, from).push(name);
  read.levels.forEach((level, index) => {
    level.parts = level.parts.map(([part, name]) => [part, name ?? part]);
    level.members = new Map();
    for (const [name, entry] of Object.entries(read.entries))
      if (!entry.group && entry.itself?.includes(index)) at(level.members, entry.at[index]).push(name);
  });
  read.now = 0;
  return read;
}

function at(map, key) {
  if (!map.has(key)) map.set(key, []);
  return map.get(key);
}

// Pictures and their parts

function pictureOf(level) {
  return find(`.picture[data-level="${level.name}"]`);
}

function partOf(name, index = facts.now) {
  const place = facts.entries[name]?.at?.[index] ?? -1;
  return place < 0 ? null : document.getElementById(`${facts.levels[index].name}/${facts.levels[index].parts[place][0]}`);
}

function isOpen(name, index = facts.now) {
  return facts.entries[name].itself?.includes(index) ?? false;
}

// In a picture that answers, each part is a button.
function enliven(index) {
  const level = facts.levels[index];
  const picture = pictureOf(level);
  if (picture.dataset.alive) return;
  picture.dataset.alive = "yes";
  picture.firstElementChild.setAttribute("role", "group");
  for (const [part, name] of level.parts) {
    const shape = document.getElementById(`${level.name}/${part}`);
    for (const piece of piecesOf(shape)) piece.dataset.about = name;
    shape.classList.toggle("closed", !isOpen(name, index));
    for (const [key, value] of [["tabindex", "0"], ["role", "button"], ["aria-label", spoken(name, index)]]) shape.setAttribute(key, value);
  }
}

// A group that reaches over several columns is in pieces: PART, PART:2, PART:3.
function piecesOf(part) {
  if (!part.classList.contains("cluster")) return [part];
  return [part, ...part.parentNode.querySelectorAll(`[id^="${CSS.escape(part.id)}:"]`)];
}

function spoken(name, index) {
  const entry = facts.entries[name];
  const what = entry.group ? `${entry.type || "group"}${isOpen(name, index) ? "" : ", closed"}` : entry.title;
  return [what, name, entry.count ? `${number(entry.count)} parameters` : ""].filter(Boolean).join(", ");
}

function goTo(index, { keep = true } = {}) {
  if (index === facts.now && camera.picture) return;
  for (const each of document.querySelectorAll(".picture")) each.hidden = each.dataset.level !== facts.levels[index].name;
  for (const each of document.querySelectorAll("[data-level][aria-pressed]"))
    each.setAttribute("aria-pressed", String(each.dataset.level === facts.levels[index].name));
  facts.now = index;
  enliven(index);
  camera.look(pictureOf(facts.levels[index]));
  camera.begin();
  if (keep && chosen) settle();
  ring(ringed);
}

// What is chosen

// history: "push" or "replace" puts it into the address; "" where it comes from there. open: go to a level where it is
// drawn itself. still: leave the camera where it is.
function choose(name, { history: way = "push", open = false, still = false } = {}) {
  if (!Object.hasOwn(facts.entries, name)) return say(`There is no layer called ${name}.`);
  const level = open && name && !isOpen(name) ? levelWhere(name, true) : -1;
  chosen = name;
  showPanel();
  if (level >= 0) goTo(level, { keep: false });
  settle(still);
  if (way) history[`${way}State`](null, "", `#${encodeURIComponent(name)}`);
}

function forget() {
  if (panel.contains(document.activeElement)) partOf(chosen)?.focus({ preventScroll: true });
  chosen = null;
  panel.hidden = true;
  outline("chosen", []);
  if (location.hash) history.pushState(null, "", location.pathname + location.search);
}

function settle(still = false) {
  const part = partOf(chosen);
  outline("chosen", part ? [part] : []);
  if (part) still ? camera.show(part) : camera.centre(part, true);
  showPanel();
}

// The nearest level in which a name is drawn open (or is not): onwards from this one, or back.
function levelWhere(name, open) {
  const others = facts.levels.map((_, index) => index).filter((index) => isOpen(name, index) === open);
  return open ? (others.find((index) => index > facts.now) ?? others[0] ?? -1) : (others.filter((index) => index < facts.now).pop() ?? -1);
}

function expand() {
  const level = chosen && !isOpen(chosen) ? levelWhere(chosen, true) : -1;
  if (level < 0) return say("There is no level that shows more of it.");
  goTo(level);
  partOf(chosen)?.focus({ preventScroll: true });
  say(titleOf(level));
}

function collapse() {
  const level = chosen ? levelWhere(chosen, false) : facts.now - 1;
  if (level < 0) return say("There is no level that shows less of it.");
  goTo(level);
  partOf(chosen)?.focus({ preventScroll: true });
  say(titleOf(level));
}

function titleOf(index) {
  return find(`button[data-level="${facts.levels[index].name}"]`)?.textContent ?? "";
}

function showPanel() {
  const actions = [];
  if (chosen && !isOpen(chosen) && levelWhere(chosen, true) >= 0) actions.push(action("expand", "Expand", "e"));
  if (chosen && levelWhere(chosen, false) >= 0) actions.push(action("collapse", "Collapse", "c"));
  panel.replaceChildren(...panelOf(chosen, facts, actions));
  panel.scrollTop = 0;
  panel.hidden = false;
}

function action(act, title, key) {
  return element("button", { type: "button", "data-act": act, "aria-keyshortcuts": key }, title);
}

function room() {
  const { clientWidth: width, clientHeight: height } = canvas;
  if (panel.hidden) return { width, height };
  const below = panel.offsetWidth > width * 0.8;
  return below ? { width, height: height - panel.offsetHeight } : { width: width - panel.offsetWidth, height };
}

// Rings are drawn over a picture and are no part of it.

function ring(names) {
  ringed = names;
  outline("found", [...new Set(names.slice(0, 500).map((name) => partOf(name)).filter(Boolean))]);
}

function outline(why, parts) {
  for (const each of document.querySelectorAll(`.ring.${why}`)) each.remove();
  const svg = pictureOf(facts.levels[facts.now]).firstElementChild;
  for (const part of parts.flatMap(piecesOf)) {
    const box = camera.boxOf(part);
    const made = document.createElementNS(svg.namespaceURI, "rect");
    const sizes = { class: `ring ${why}`, x: box.x - 4, y: box.y - 4, width: box.width + 8, height: box.height + 8, rx: 6 };
    for (const [name, value] of Object.entries(sizes)) made.setAttribute(name, value);
    svg.append(made);
  }
}

function say(text) {
  const status = find(".status");
  status.textContent = text;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => (status.textContent = ""), 4000);
}
