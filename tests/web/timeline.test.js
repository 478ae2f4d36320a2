import assert from "node:assert/strict";
import { test } from "node:test";
import { EMPTY, GROUP_S, fold, newest, view } from "../../web/client/timeline.js";
import { posted } from "./fakes.js";

const reacted = (seq, handle, target, kind = "with_you") => ({ t: "reacted", room: "night", seq, at: 0, handle, target, kind });
const withdrawn = (seq, handle, target) => ({ t: "withdrawn", room: "night", seq, at: 0, handle, target });
const posts = (items) => items.filter((item) => item.type === "post");
const plain = { me: "open-river", dayOf: () => "one day" };

test("the view does not depend on the order in which events are folded, nor on repeats", () => {
  const events = [
    posted(1, "quiet-heron"),
    posted(2, "open-river"),
    reacted(3, "quiet-heron", 2),
    reacted(4, "open-river", 1, "heard"),
    withdrawn(5, "open-river", 4),
    posted(6, "quiet-heron", "third", { reply_to: 2 }),
    withdrawn(7, "open-river", 2),
  ];
  const forward = view(fold(EMPTY, events), plain);
  let backward = EMPTY;
  for (const event of [...events, ...events].reverse()) backward = fold(backward, [event]);
  assert.deepEqual(view(backward, plain), forward);
});

test("folding leaves the old timeline as it was", () => {
  const before = fold(EMPTY, [posted(1, "a-b")]);
  fold(before, [posted(2, "a-b")]);
  assert.equal(before.posts.size, 1);
});

test("lines of one author within five minutes are one group, across nothing else", () => {
  const at = (seq, handle, seconds) => posted(seq, handle, "x", { at: 1_700_000_000 + seconds });
  const items = posts(
    view(fold(EMPTY, [at(1, "a-b", 0), at(2, "a-b", 60), at(3, "c-d", 60), at(4, "a-b", 120), at(5, "a-b", 120 + GROUP_S)]), plain),
  );
  assert.deepEqual(items.map((item) => item.first), [true, false, true, true, true]);
});

test("a new day has a divider and begins a group", () => {
  const items = view(fold(EMPTY, [posted(1, "a-b"), posted(2, "a-b"), posted(3, "a-b")]), {
    me: "", dayOf: (at) => (at > 1_700_000_002 ? "later" : "earlier"),
  });
  assert.deepEqual(items.map((item) => item.type), ["day", "post", "post", "day", "post"]);
  assert.equal(items[4].first, true);
});

test("reactions are counted by kind in one fixed order, and one's own can be taken back by its seq", () => {
  const timeline = fold(EMPTY, [posted(1, "a-b"), reacted(2, "c-d", 1, "heard"), reacted(3, "open-river", 1), reacted(4, "c-d", 1)]);
  assert.deepEqual(posts(view(timeline, plain))[0].reactions, [
    { kind: "with_you", count: 2, mine: 3 },
    { kind: "heard", count: 1, mine: null },
  ]);
  const after = fold(timeline, [withdrawn(5, "open-river", 3)]);
  assert.deepEqual(posts(view(after, plain))[0].reactions[0], { kind: "with_you", count: 1, mine: null });
});

test("a withdrawn post keeps its place and loses its words, its answers quote no words", () => {
  const timeline = fold(EMPTY, [posted(1, "a-b", "said too much"), posted(2, "c-d", "yes", { reply_to: 1 }), withdrawn(3, "a-b", 1)]);
  const [first, second] = posts(view(timeline, plain));
  assert.equal(first.text, "");
  assert.ok(first.withdrawn);
  assert.equal(second.quote.withdrawn, true);
  assert.ok(!JSON.stringify(view(timeline, plain)).includes("said too much"));
});

test("an answer to what is not loaded names only its place", () => {
  const [item] = posts(view(fold(EMPTY, [posted(9, "c-d", "yes", { reply_to: 1 })]), plain));
  assert.deepEqual(item.quote, { seq: 1 });
});

test("whom one ignores is not there: no post, no reaction, no quoted words", () => {
  const timeline = fold(EMPTY, [posted(1, "a-b", "loud"), posted(2, "c-d", "yes", { reply_to: 1 }), reacted(3, "a-b", 2)]);
  const items = posts(view(timeline, { ...plain, ignored: new Set(["a-b"]) }));
  assert.deepEqual(items.map((item) => item.handle), ["c-d"]);
  assert.deepEqual(items[0].reactions, []);
  assert.equal(items[0].quote.ignored, true);
});

test("the unread marker stands before the first unread post that is shown", () => {
  const timeline = fold(EMPTY, [posted(1, "a-b"), posted(2, "c-d"), posted(3, "a-b")]);
  const items = view(timeline, { ...plain, ignored: new Set(["c-d"]), unreadFrom: 2 });
  assert.deepEqual(items.map((item) => item.key), ["d:one day", "s:1", "unread", "s:3"]);
});

test("a post keeps its key from pending to delivered", () => {
  const waiting = [{ key: "k1", text: "hello", replyTo: null, at: 1_700_000_001, status: "pending", reason: "" }];
  const before = posts(view(EMPTY, { ...plain, waiting }))[0];
  const after = posts(view(fold(EMPTY, [posted(1, "open-river", "hello")]), { ...plain, placed: new Map([[1, "k1"]]) }))[0];
  assert.equal(before.key, after.key);
  assert.deepEqual([before.status, after.status], ["pending", "delivered"]);
});

test("only the newest are kept, with what belongs to them", () => {
  const events = Array.from({ length: 10 }, (_, at) => posted(at + 1, "a-b"));
  const kept = newest(fold(EMPTY, [...events, reacted(11, "c-d", 1), withdrawn(12, "a-b", 9)]), 3);
  assert.deepEqual([...kept.posts.keys()], [8, 9, 10]);
  assert.deepEqual(posts(view(kept, plain)).map((item) => item.withdrawn), [false, true, false]);
});
