// What of a picture is to be seen: where it lies in the canvas, and its scale. Lengths are CSS pixels; at scale 1 a
// point of the picture is one of them.

const SCALES = [0.02, 8];
const READABLE = 0.75; // a picture that would be smaller is first shown from its top, not whole
const MARGIN = 24;
const WITHIN_REACH = 80; // of the picture, always in the canvas

class Camera {
  // room: () => {width, height}, of the part of the canvas that nothing covers, which begins at its upper left.
  constructor(canvas, room) {
    this.canvas = canvas;
    this.room = room;
    this.scale = 1;
    this.x = this.y = 0;
    this.seen = room();
  }

  look(picture) {
    this.picture = picture;
    const svg = picture.firstElementChild;
    const { width, height } = svg.viewBox.baseVal;
    this.size = { width, height };
    svg.setAttribute("width", width);
    svg.setAttribute("height", height);
  }

  fit(smooth = false) {
    const room = this.room();
    this.scale = clamp(this.whole(room), SCALES[0], 1.25);
    this.x = (room.width - this.size.width * this.scale) / 2;
    this.y = (room.height - this.size.height * this.scale) / 2;
    this.place(smooth);
  }

  // Whole where its text can then be read; else its width, from the top.
  begin() {
    const room = this.room();
    if (this.whole(room) >= READABLE) return this.fit();
    this.scale = clamp((room.width - 2 * MARGIN) / this.size.width, READABLE, 1);
    this.x = Math.max(MARGIN, (room.width - this.size.width * this.scale) / 2);
    this.y = MARGIN;
    this.place();
  }

  move(x, y, smooth = false) {
    this.x += x;
    this.y += y;
    this.place(smooth);
  }

  // The point of the canvas stays where it is.
  zoom(factor, point = this.middle(), smooth = false) {
    const scale = clamp(this.scale * factor, ...SCALES);
    this.x = point.x - ((point.x - this.x) * scale) / this.scale;
    this.y = point.y - ((point.y - this.y) * scale) / this.scale;
    this.scale = scale;
    this.place(smooth);
  }

  // Bring a part into the middle, large enough to be read; one that is larger than the room is seen from its top.
  centre(element, smooth = false) {
    const room = this.room();
    const box = this.boxOf(element);
    this.scale = clamp(this.scale, READABLE, 2);
    const height = Math.min(box.height * this.scale, room.height - 2 * MARGIN);
    this.x = room.width / 2 - (box.x + box.width / 2) * this.scale;
    this.y = (room.height - height) / 2 - box.y * this.scale;
    this.place(smooth);
  }

  // Move as little as brings the part into the room.
  show(element) {
    const room = this.room();
    const box = this.boxOf(element);
    const left = box.x * this.scale + this.x;
    const top = box.y * this.scale + this.y;
    const x = missing(left, box.width * this.scale, room.width);
    const y = missing(top, box.height * this.scale, room.height);
    if (x || y) this.move(x, y, true);
  }

  // In points of the picture, wherever the camera is.
  boxOf(element) {
    const { x, y, width, height } = element.getBBox();
    const { a, d, e, f } = element.getCTM();
    return { x: x * a + e, y: y * d + f, width: width * a, height: height * d };
  }

  whole(room) {
    return Math.min((room.width - 2 * MARGIN) / this.size.width, (room.height - 2 * MARGIN) / this.size.height);
  }

  // The window has another size: what was in the middle stays there.
  resize() {
    const room = this.room();
    this.move((room.width - this.seen.width) / 2, 0);
  }

  middle() {
    const { width, height } = this.room();
    return { x: width / 2, y: height / 2 };
  }

  place(smooth) {
    const room = (this.seen = this.room());
    this.x = clamp(this.x, WITHIN_REACH - this.size.width * this.scale, room.width - WITHIN_REACH);
    this.y = clamp(this.y, WITHIN_REACH - this.size.height * this.scale, room.height - WITHIN_REACH);
    this.picture.classList.toggle("smooth", smooth === true);
    this.picture.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
  }
}

function clamp(value, low, high) {
  return Math.max(low, Math.min(high, value));
}

// How far a stretch has to move to lie within 0 to `room`.
function missing(start, length, room) {
  if (start < MARGIN || length > room - 2 * MARGIN) return MARGIN - start;
  return Math.min(0, room - MARGIN - start - length);
}

// One finger or the mouse moves the picture, two fingers zoom it too. What follows a real move is no click.
function holdAndDrag(canvas, camera) {
  const held = new Map();
  let moved = 0;

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    if (held.size === 0) moved = 0;
    held.set(event.pointerId, pointIn(canvas, event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!held.has(event.pointerId)) return;
    const before = grip(held);
    held.set(event.pointerId, pointIn(canvas, event));
    const after = grip(held);
    moved += Math.abs(after.x - before.x) + Math.abs(after.y - before.y) + Math.abs(after.spread - before.spread);
    if (moved < 4) return;
    canvas.setPointerCapture(event.pointerId);
    canvas.classList.add("held");
    camera.move(after.x - before.x, after.y - before.y);
    if (held.size > 1) camera.zoom(after.spread / before.spread, after);
  });
  for (const end of ["pointerup", "pointercancel"])
    canvas.addEventListener(end, (event) => {
      held.delete(event.pointerId);
      canvas.classList.toggle("held", held.size > 0);
    });
  canvas.addEventListener("click", (event) => moved >= 4 && event.stopImmediatePropagation(), { capture: true });
}

// The middle of the points that are held, and how far they are from it.
function grip(held) {
  const points = [...held.values()];
  const x = points.reduce((sum, each) => sum + each.x, 0) / points.length;
  const y = points.reduce((sum, each) => sum + each.y, 0) / points.length;
  return { x, y, spread: Math.max(1, Math.hypot(points[0].x - x, points[0].y - y)) };
}

function rollTheWheel(canvas, camera) {
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      const [x, y] = event.shiftKey ? [event.deltaY, event.deltaX] : [event.deltaX, event.deltaY];
      if (event.ctrlKey || event.metaKey) camera.zoom(Math.exp(-event.deltaY * unit * 0.004), pointIn(canvas, event));
      else camera.move(-x * unit, -y * unit);
    },
    { passive: false },
  );
}

function pointIn(canvas, event) {
  const { left, top } = canvas.getBoundingClientRect();
  return { x: event.clientX - left, y: event.clientY - top };
}
