// The panel of facts: plain data -> elements. Text only ever becomes text, so a name can hold anything.

const SIGNS = { added: "+", removed: "−", changed: "≠", fault: "!" };
const LISTED = 200; // links in one list

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.flat().filter((each) => each !== null && each !== undefined && each !== ""));
  return made;
}

function panelOf(name, facts, actions) {
  const entry = facts.entries[name];
  return [
    heading(name, entry, facts),
    marked(entry),
    standIn(name, facts),
    actions.length ? element("div", { class: "actions" }, actions) : null,
    ...(entry.group ? aboutGroup(name, entry, facts) : aboutLayer(name, entry, facts)),
    spec(entry, facts),
  ].filter(Boolean);
}

function heading(name, entry, facts) {
  const close = element("button", { type: "button", class: "sign", "data-act": "close", "aria-label": "Close the facts" }, "×");
  const said = entry.group ? entry.type || (entry.copies ? "Repeat" : "Group") : entry.title;
  const kind = element("span", { class: "kind" }, name === "" ? "model" : groupOrKind(entry));
  if (entry.kind) kind.style.setProperty("--kind", `var(--${entry.kind})`);
  return element("header", {}, [
    element("div", { class: "top" }, kind, close),
    element("h2", {}, name === "" ? facts.name : said),
    name === "" ? null : element("p", { class: "path" }, pathOf(name, entry, facts)),
  ].filter(Boolean));
}

// What a comparison or a check says of it, by a sign as in the picture and in words.
function marked(entry) {
  if (!entry.mark) return null;
  const [mark, ...said] = entry.mark;
  const head = element("b", {}, `${SIGNS[mark]} ${mark === "fault" ? "at fault" : mark}`);
  const box = element("div", { class: "mark" }, head, said.map((each) => element("p", {}, each)));
  box.style.setProperty("--mark", `var(--${mark})`);
  box.style.setProperty("--mark-fill", `var(--${mark}-fill)`);
  return box;
}

// What is drawn for it in this picture, where that goes by another name.
function standIn(name, facts) {
  const level = facts.levels[facts.now];
  const drawn = level.parts[facts.entries[name].at[facts.now]]?.[1];
  if (!name || !drawn || drawn === name || facts.entries[name].itself?.includes(facts.now)) return null;
  return element("p", { class: "place" }, "Here drawn as ", link(drawn, drawn));
}

function groupOrKind(entry) {
  if (!entry.group) return entry.kind;
  return entry.copies ? `${entry.copies} copies` : "group";
}

// A dotted name, each group in it as a link.
function pathOf(name, entry, facts) {
  const around = groupsAround(name, facts);
  let told = "";
  const links = around.map((group) => {
    const part = group.slice(told.length);
    told = `${group}.`;
    return [link(group, part), "."];
  });
  return [...links.flat(), element("b", {}, name.startsWith(told) ? name.slice(told.length) : name)];
}

function groupsAround(name, facts) {
  const steps = name.split(".");
  const above = steps.slice(1).map((_, index) => steps.slice(0, index + 1).join("."));
  return above.filter((each) => facts.entries[each]?.group);
}

function aboutLayer(name, entry, facts) {
  return [
    together(name, facts),
    rows("Tensors", [
      ["in", entry.input_shapes?.length ? shapes(entry.input_shapes) : ""],
      ["out", shapes([entry.shape])],
      ["dtype", entry.dtype ? flat(entry.dtype) : ""],
      ["options", entry.options ? entry.options.join(" | ") : ""],
    ]),
    parameters(entry),
    rows("Cost", [["multiply-adds", entry.multiply_adds ? `${number(entry.multiply_adds)} at batch 1` : ""]]),
    rows("Arguments", Object.entries(entry.arguments ?? {}).map(([key, value]) => [key, literal(value)])),
    rows("Starts as", Object.entries(entry.init ?? {}).map(([key, value]) => [key, started(value)])),
    links("Reads", (entry.reads ?? []).map(([from, part, argument]) => [from, [part, calledIn(from, facts), argument && `as ${argument}`]])),
    links("Read by", (facts.readers.get(name) ?? []).map((each) => [each, [calledIn(each, facts)]])),
    rows("Runs", [["calls", entry.target ?? ""], ["expression", entry.expression ?? ""]]),
  ];
}

function aboutGroup(name, entry, facts) {
  return [
    name === "" && facts.doc ? element("p", { class: "doc" }, facts.doc) : null,
    name === "" ? sentences("Holds where", facts.conditions) : null,
    rows("Sum", [
      ["parameters", number(entry.count ?? 0)],
      ["multiply-adds", entry.multiply_adds ? `${number(entry.multiply_adds)} at batch 1` : ""],
      ["layers", number(entry.layers ?? 0)],
      ["frozen", entry.frozen ? "its parameters do not train" : ""],
    ]),
    entry.shares ? links("Shares the module of", [[entry.shares, []]]) : null,
    rows("Given", Object.entries(entry.params ?? {}).map(([key, value]) => [key, literal(value)])),
    rows("Starts as", Object.entries(entry.init ?? {}).map(([key, value]) => [key, started(value)])),
    links("Holds", (entry.children ?? []).map((each) => [each, [calledIn(each, facts)]]), name && `${name}.`),
  ];
}

function calledIn(name, facts) {
  const entry = facts.entries[name];
  return entry.title ?? entry.type ?? (entry.copies ? `${entry.copies} copies` : "group");
}

// The other layers that the same box tells of.
function together(name, facts) {
  const level = facts.levels[facts.now];
  const place = facts.entries[name].at[facts.now];
  if (place < 0 || !facts.entries[name].itself?.includes(facts.now)) return null;
  const members = level.members.get(place).filter((each) => each !== name);
  return links("In the same box", members.map((each) => [each, [calledIn(each, facts)]]));
}

function parameters(entry) {
  const own = Object.entries(entry.parameters ?? {});
  const held = Object.entries(entry.buffers ?? {}).map(([key, shape]) => [key, `${shape_(shape)}, a buffer`]);
  const said = own.map(([key, shape]) => [key, tied(shape_(shape), entry.ties?.[key])]);
  const total = own.length ? [["together", `${number(entry.count ?? 0)}${entry.frozen ? ", frozen" : ""}`]] : [];
  return rows("Parameters", [...said, ...total, ...held]);
}

function tied(shape, other) {
  return other ? `${shape}, the same as ${other}` : shape;
}

function spec(entry, facts) {
  if (!entry.place) return null;
  const code = entry.quote === undefined ? null : element("pre", { tabindex: "0" }, element("code", {}, facts.lines[entry.quote]));
  return section("Spec", element("p", { class: "place" }, entry.place), code);
}

// Small forms

function section(title, ...children) {
  return element("section", {}, element("h3", {}, title), ...children);
}

function rows(title, pairs) {
  const told = pairs.filter(([, value]) => value !== "");
  if (!told.length) return null;
  return section(title, element("dl", {}, told.map(([key, value]) => element("div", {}, element("dt", {}, key), element("dd", {}, value)))));
}

// within: what all names begin with, which is not told again.
function links(title, pairs, within = "") {
  if (!pairs.length) return null;
  const items = pairs.slice(0, LISTED).map(([name, more]) => element("li", {}, link(name, name.startsWith(within) ? name.slice(within.length) : name), more.filter(Boolean).map((each) => ` ${each}`)));
  const rest = pairs.length - items.length;
  return section(title, element("ul", {}, items, rest > 0 ? element("li", {}, `and ${number(rest)} more`) : null));
}

function link(name, text) {
  return element("a", { href: `#${encodeURIComponent(name)}` }, text);
}

function sentences(title, texts) {
  return texts.length ? section(title, ...texts.map((each) => element("p", {}, each))) : null;
}

function number(value) {
  return typeof value === "number" ? value.toLocaleString("en-US") : String(value);
}

// Of several tensors, a line each.
function shapes(list) {
  const told = list.flatMap((each) => (isNested(each) ? Object.values(each) : [each]));
  return told.map((each) => element("span", { class: "line" }, shape_(each)));
}

function isNested(shape) {
  return shape !== null && Object.values(shape).some((each) => each !== null && typeof each === "object");
}

function shape_(shape) {
  if (shape === null || shape === undefined) return "not known";
  const sizes = Object.values(shape);
  if (!sizes.length) return "scalar";
  return sizes.map((each) => (typeof each === "object" ? `(${shape_(each)})` : String(each))).join(" × ");
}

function flat(value) {
  return typeof value === "object" ? Object.values(value).map(flat).join(", ") : String(value);
}

// A value as Python writes it.
function literal(value) {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "object") return typeof value === "string" ? JSON.stringify(value) : String(value);
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (Object.keys(value).join() === "size") return String(value.size);
  return `{${Object.entries(value).map(([key, each]) => `${key}: ${literal(each)}`).join(", ")}}`;
}

function started(value) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return literal(value);
  const given = Object.entries(value.arguments ?? {}).map(([key, each]) => `${key}=${literal(each)}`);
  return `${String(value.type).split(".").pop()}(${given.join(", ")})`;
}
