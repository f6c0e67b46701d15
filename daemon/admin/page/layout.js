// Where the modules and their lines go: in layers from left to right by dependency depth, with few crossings. Pure
// functions; lengths are pixels.

export const kNodeWidth = 164;
export const kNodeHeight = 44;
const kLineHeight = 8;
const kGapXMin = 26;
const kGapXMax = 110;
const kGapY = 12;
/** A layer of more modules than this goes on in the next one. */
const kLayerNodes = 9;
const kSweeps = 8;

/**
 * modules: [{name, dependencies}]; `room` is the width to fill if need be. Returns {width, height, nodes: [{name, x, y}], lines: [{from, to, path}]}, where a
 * line leads from a dependency to what needs it, and what follows from other lines has none.
 */
export function layOut(modules, room) {
  const graph = reduce(modules);
  const layers = layersOf(graph);
  const joints = route(graph, layers);
  order(layers);
  place(layers);
  const gap = (room - layers.length * kNodeWidth) / Math.max(1, layers.length - 1);
  const stride = kNodeWidth + Math.round(Math.min(kGapXMax, Math.max(kGapXMin, gap)));
  const items = layers.flat();
  const top = Math.min(0, ...items.map((item) => item.y - item.height / 2));
  for (const item of items) {
    item.x = item.layer * stride;
    item.y -= top;
  }
  return {
    width: Math.max(0, layers.length - 1) * stride + kNodeWidth,
    height: Math.max(0, ...items.map((item) => item.y + item.height / 2)),
    nodes: items.filter((item) => item.name).map(({ name, x, y }) => ({ name, x, y: y - kNodeHeight / 2 })),
    lines: joints.map((joint) => ({ from: joint[0].name, to: joint.at(-1).name, path: pathOf(joint) })),
  };
}

/** Everything that each module needs, directly or not: Map of name to Set of names. */
export function closure(modules) {
  const direct = new Map(modules.map((module) => [module.name, module.dependencies]));
  const all = new Map();
  const visit = (name) => {
    if (all.has(name)) return all.get(name);
    const needs = new Set();
    all.set(name, needs); // before its dependencies are visited: a cycle ends here
    for (const dependency of direct.get(name) ?? []) {
      if (!direct.has(dependency)) continue;
      needs.add(dependency);
      for (const further of visit(dependency)) needs.add(further);
    }
    return needs;
  };
  for (const module of modules) visit(module.name);
  return all;
}

/** Map of name to {name, needs}, without dependencies that follow from others. */
function reduce(modules) {
  const all = closure(modules);
  return new Map(modules.map(({ name, dependencies }) => {
    const known = [...new Set(dependencies)].filter((one) => all.has(one) && one !== name);
    const needs = known.filter((one) => !known.some((other) => other !== one && all.get(other).has(one)));
    return [name, { name, needs }];
  }));
}

/** Items {name, height, layer, before, after}, dependencies in lower layers than what needs them. */
function layersOf(graph) {
  const layers = [];
  const items = new Map();
  const visit = (name) => {
    if (items.has(name)) return items.get(name);
    const item = { name, height: kNodeHeight, layer: 0, before: [], after: [] };
    items.set(name, item);
    let layer = Math.max(-1, ...graph.get(name).needs.map((one) => visit(one).layer)) + 1;
    while (layers[layer]?.length >= kLayerNodes) layer += 1;
    item.layer = layer;
    while (layers.length <= layer) layers.push([]);
    layers[layer].push(item);
    return item;
  };
  for (const name of graph.keys()) visit(name);
  return layers;
}

/** Lines over several layers get an item in each layer between, so that they pass between modules. */
function route(graph, layers) {
  const items = new Map(layers.flat().map((item) => [item.name, item]));
  const joints = [];
  for (const { name, needs } of graph.values()) {
    for (const need of needs) {
      const to = items.get(name);
      const joint = [items.get(need)];
      for (let layer = joint[0].layer + 1; layer < to.layer; layer += 1) {
        const item = { height: kLineHeight, layer, before: [], after: [] };
        layers[layer].push(item);
        joint.push(item);
      }
      joint.push(to);
      for (let i = 1; i < joint.length; i += 1) {
        joint[i - 1].after.push(joint[i]);
        joint[i].before.push(joint[i - 1]);
      }
      joints.push(joint);
    }
  }
  return joints;
}

/** Each item moves to the mean place of its neighbours, layer by layer, forth and back. */
function order(layers) {
  const number = (layer) => layer.forEach((item, index) => (item.index = index / Math.max(1, layer.length - 1)));
  layers.forEach(number);
  for (let sweep = 0; sweep < kSweeps; sweep += 1) {
    const forth = sweep % 2 === 0;
    for (const layer of forth ? layers : [...layers].reverse()) {
      for (const item of layer) item.wish = mean(forth ? item.before : item.after, "index") ?? item.index;
      layer.sort((a, b) => a.wish - b.wish);
      number(layer);
    }
  }
}

/** Each item as near to the mean height of its neighbours as those above and below let it. */
function place(layers) {
  for (const layer of layers) {
    const total = layer.reduce((sum, item) => sum + item.height + kGapY, -kGapY);
    let top = -total / 2;
    for (const item of layer) {
      item.y = top + item.height / 2;
      top += item.height + kGapY;
    }
  }
  for (let sweep = 0; sweep < kSweeps; sweep += 1) {
    const forth = sweep % 2 === 0;
    for (const layer of forth ? layers : [...layers].reverse()) {
      for (const item of layer) item.wish = mean(forth ? item.before : item.after, "y") ?? item.y;
      spread(layer);
    }
  }
}

/** The heights nearest to the wishes that keep order and gaps: blocks that would overlap move as one. */
function spread(layer) {
  const blocks = [];
  let offset = 0;
  layer.forEach((item, index) => {
    if (index > 0) offset += (layer[index - 1].height + item.height) / 2 + kGapY;
    item.offset = offset;
    let block = { sum: item.wish - offset, count: 1, items: [item] };
    while (blocks.length && blocks.at(-1).sum / blocks.at(-1).count > block.sum / block.count) {
      const above = blocks.pop();
      block = { sum: above.sum + block.sum, count: above.count + block.count, items: [...above.items, ...block.items] };
    }
    blocks.push(block);
  });
  for (const block of blocks) {
    for (const item of block.items) item.y = block.sum / block.count + item.offset;
  }
}

function pathOf(joint) {
  let path = "";
  joint.forEach((item, index) => {
    if (index === 0) {
      path = `M${item.x + kNodeWidth} ${round(item.y)}`;
      return;
    }
    const left = joint[index - 1].x + kNodeWidth;
    const middle = (left + item.x) / 2;
    path += `C${middle} ${round(joint[index - 1].y)} ${middle} ${round(item.y)} ${item.x} ${round(item.y)}`;
    if (index < joint.length - 1) path += `H${item.x + kNodeWidth}`;
  });
  return path;
}

function round(number) {
  return Math.round(number * 10) / 10;
}

function mean(items, key) {
  return items.length ? items.reduce((sum, item) => sum + item[key], 0) / items.length : null;
}
