// Finding layers: every word has to be in the name, the type or what the layer is called.

class Search {
  // arrive: (name) => void, when one of those found is gone to; mark: (names) => void, with all that are found.
  constructor(form, facts, { arrive, mark }) {
    this.field = form.querySelector("input");
    this.count = form.querySelector("output");
    this.texts = Object.entries(facts.entries).filter(([name]) => name).map(([name, entry]) => [name, searched(name, entry)]);
    Object.assign(this, { arrive, mark, found: [], at: -1 });
    this.field.addEventListener("input", () => this.look());
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  look() {
    const words = this.field.value.toLowerCase().split(/\s+/).filter(Boolean);
    this.found = words.length ? this.texts.filter(([, text]) => words.every((word) => text.includes(word))).map(([name]) => name) : [];
    this.found.sort((one, other) => Number(!isNamed(one, words)) - Number(!isNamed(other, words)));
    this.at = -1;
    this.mark(this.found);
    if (this.found.length) this.next(1);
    this.tell(words.length > 0);
  }

  next(step) {
    if (!this.found.length) return;
    this.at = (this.at + step + this.found.length) % this.found.length;
    this.tell(true);
    this.arrive(this.found[this.at]);
  }

  clear() {
    this.field.value = "";
    this.look();
    this.field.blur();
  }

  tell(asked) {
    if (!asked) this.count.value = "";
    else this.count.value = this.found.length ? `${this.at + 1} of ${this.found.length}` : "none";
  }
}

function searched(name, entry) {
  return `${name} ${entry.type ?? ""} ${entry.title ?? ""} ${entry.kind ?? "group"}`.toLowerCase();
}

// Those whose own name is what was typed come first.
function isNamed(name, words) {
  const lower = name.toLowerCase();
  return lower === words.join(" ") || lower.endsWith(`.${words.join(" ")}`);
}
