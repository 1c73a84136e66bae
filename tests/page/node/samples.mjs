/* Texts as models write them, and as they go wrong. */

export const SAMPLES = {
  emphasis: "**Start small.** A *modest* ***version*** of `x ** y` with ~~no~~ _some_ __more__ **bold with `code` and *it* in it**.\n",
  "not emphasis": "2 * 3 * 4 = 24, 5*3*2, snake_case_name, f(**kwargs), a ~ b, 3 < 4 && 5 > 4, C:\\new, wow! [1] [ref] a_b_\n",
  "never closed": "This **never closes, nor does `this, nor [this](http://a.b\n\nNext paragraph.",
  headings: "# One\n\n## Two *it* ##\n### Three\n#tag is none\n####### nor this\n#\n",
  lists: "Points:\n- one\n- **two**\n  - nested `a`\n    - deeper\n- three\n\n1. first\n\n   more of it\n2. second\n   * star\n3) other\n\n5. five\n",
  tasks: "- [ ] open\n- [x] done\n- [link](https://a.b) not a task\n- [] neither\n",
  "code in a list": "1. Run:\n\n   ```bash\n   make test\n\n     indented\n   ```\n2. Look.\n",
  fences: "```python\ndef f():\n\treturn \"``\"\n```\n\n~~~\n```\n~~~\ntext\n````md\n```\n````\n``` not `code` ```\n",
  "open fence": "Here:\n```js\nlet a = 1;\n\n",
  tables: "| a | b |\n|---|:-:|\n| `x` | **y** |\n| z \\| w |\n| 1 | 2 | 3 |\nafter\n\n| not | one\ntext | too\n|-|\n",
  "table after text": "Look:\n| a |\n|---|\n| b |\n\n| no | two |\n|---|\n",
  "a row that is none": "a **b\n| c\nd** e\n\n- a **b\n  | c\n  d** e\n",
  quotes: "> quoted **bold**\n> - list\n>\n> more\n\nout\n>tight\n> > deep\n",
  rules: "above\n---\nbelow\n\n***\n* * *\n__init__\n- - -\n-- no\n",
  links: "See [the *docs*](https://a.b/c_(d) \"Title\"), <https://e.f>, https://g.h/i_j?k=l&m=n. And http://o.p) [x](javascript:alert(1)) ![alt](http://q.r/s.png) [mail](mailto:a@b.c)\n",
  breaks: "one  \ntwo\\\nthree\nfour<br>five <br/> six\n\n\nseven",
  entities: "a &lt; b &amp; c &copy; &#65; &#x42; &nope; & &; AT&T",
  markup: "<script>alert(1)</script>\n<img src=x onerror=alert(1)>\n\n<b>no</b> </p>\n",
  unicode: "这是**重点**内容，**“引号”**吗？ Emoji 👩‍👩‍👧 *ж* مرحبا **نص**\u2028same line\n",
  "line ends": "a\r\n\r\n- b\r\n- c\r\n\r\n```\r\nd\r\n```\r\n",
  years: "In\n1999. it was\n1. one\n2024 was next\n",
};

const BITS = [
  ..."* ** *** _ __ ` `` ``` ~~ ~~~ | - + # > [ ] ( ) ! < & \\ --- a 1 ü 数 h https:// <br> &amp; 1. 2) |---| |:-:|-| ```py".split(" "),
  "\n", "\n", "\n\n", " ", "  ", "    ", "\t", "- ", "1. ", "# ", "> ", "| a | b |", "word", "b c", "[x](http://y.z/q)", "- [ ] ",
];

/** Texts without sense, the same each time. */
export function* nonsense(number, seed = 20_261) {
  let state = seed;
  const chance = (below) => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    return Math.floor(state / 65_536) % below;
  };
  for (let count = 0; count < number; count += 1) {
    yield Array.from({ length: 1 + chance(14) }, () => BITS[chance(BITS.length)]).join("");
  }
}
