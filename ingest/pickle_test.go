package ingest

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Values as Python writes them, and the JSON that each becomes. Where the protocols before 3 or 4 call something to
// write it, that is in old.
var pickled = []struct{ python, want, old3, old4 string }{
	{python: `{}`, want: `{}`},
	{python: `{"a": 1, "b": -1, "c": 255, "d": 256, "e": 65535, "f": 65536, "g": -2147483648, "h": 2147483648}`,
		want: `{"a":1,"b":-1,"c":255,"d":256,"e":65535,"f":65536,"g":-2147483648,"h":2147483648}`},
	{python: `{"a": 2**63-1, "b": -2**63, "c": 2**63, "d": -2**63-1, "e": 10**40, "f": -10**40}`,
		want: `{"a":9223372036854775807,"b":-9223372036854775808,"c":9223372036854775808,"d":-9223372036854775809,"e":10000000000000000000000000000000000000000,"f":-10000000000000000000000000000000000000000}`},
	{python: `{"a": None, "b": True, "c": False}`, want: `{"a":null,"b":true,"c":false}`},
	{python: `{"a": 0.0, "b": -0.0, "c": 1.5, "d": 1e300, "e": 5e-324, "f": 1795188272.0031238, "g": 1e16}`,
		want: `{"a":0.0,"b":-0.0,"c":1.5,"d":1e+300,"e":5e-324,"f":1795188272.0031238,"g":1e+16}`},
	{python: `{"a": float("nan"), "b": float("inf"), "c": float("-inf")}`, want: `{"a":NaN,"b":Infinity,"c":-Infinity}`},
	{python: `{"a": "", "b": "x", "c": "zwölf 中文 😀", "d": 'a"b\\c\n\r\t\x00\x01\x7f', "e": "\\u0041"}`,
		want: `{"a":"","b":"x","c":"zwölf 中文 😀","d":"a\"b\\c\n\r\t\u0000\u0001` + "\x7f" + `","e":"\\u0041"}`},
	{python: `{"a": "y" * 300, "b": "z" * 70000}`, want: `{"a":"` + strings.Repeat("y", 300) + `","b":"` + strings.Repeat("z", 70000) + `"}`},
	{python: `{"a": b"", "b": b"bytes\x00\n", "c": "ü".encode()}`, want: `{"a":"","b":"bytes\u0000\n","c":"ü"}`},
	{python: `{"a": b"x" * 300}`, want: `{"a":"` + strings.Repeat("x", 300) + `"}`},
	{python: `{"a": [], "b": [1], "c": [1, [2, [3]]], "d": (), "e": (1,), "f": (1, 2), "g": (1, 2, 3), "h": (1, 2, 3, 4), "i": {}, "j": {"k": {"l": ()}}}`,
		want: `{"a":[],"b":[1],"c":[1,[2,[3]]],"d":[],"e":[1],"f":[1,2],"g":[1,2,3],"h":[1,2,3,4],"i":{},"j":{"k":{"l":[]}}}`},
	{python: `{"a": list(range(2500))}`, want: `{"a":` + upTo(2500) + `}`},
	{python: `{i: None for i in range(2)}`, want: `{"0":null,"1":null}`},
	{python: `{1: 1, 2.5: 2, None: 3, True: 4, b"b": 5, (1, 2): 6, 10**20: 7, 1e400: 8}`,
		want: `{"1":4,"2.5":2,"null":3,"b":5,"<tuple>":6,"100000000000000000000":7,"Infinity":8}`},
	{python: `(lambda s: {"a": s, "b": s, s: [s, s]})("shared")`, want: `{"a":"shared","b":"shared","shared":["shared","shared"]}`},
	{python: `(lambda l: {"a": l, "b": l})([1, 2])`, want: `{"a":[1,2],"b":[1,2]}`},
	{python: `cyclic_dict()`, want: `{"a":1,"self":"<...>","b":["<...>"]}`},
	{python: `cyclic_list()`, want: `{"l":[1,"<...>"]}`},
	{python: `{"deep": nested(63)}`, want: `{"deep":` + strings.Repeat("[", 63) + `"<...>"` + strings.Repeat("]", 63) + `}`},
	{python: `{"a": {1}, "z": 0}`, want: `{"a":[1],"z":0}`, old4: `{"a":"<builtins.set>","z":0}`, old3: `{"a":"<__builtin__.set>","z":0}`},
	{python: `{"a": frozenset([1]), "z": 0}`, want: `{"a":[1],"z":0}`, old4: `{"a":"<builtins.frozenset>","z":0}`, old3: `{"a":"<__builtin__.frozenset>","z":0}`},
	{python: `{"a": datetime.datetime(2026, 11, 20), "b": datetime.timedelta(1), "c": datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc), "z": 0}`,
		want: `{"a":"<datetime.datetime>","b":"<datetime.timedelta>","c":"<datetime.datetime>","z":0}`},
	{python: `{"a": decimal.Decimal("1.5"), "b": uuid.UUID(int=7), "z": 0}`, want: `{"a":"<decimal.Decimal>","b":"<uuid.UUID>","z":0}`},
	{python: `{"a": collections.OrderedDict(x=1, y=[2]), "b": collections.defaultdict(list, x=1), "c": collections.Counter("aab"), "d": collections.deque([1]), "z": 0}`,
		want: `{"a":"<collections.OrderedDict>","b":"<collections.defaultdict>","c":"<collections.Counter>","d":"<collections.deque>","z":0}`},
	{python: `{"a": Plain(), "b": Slots(), "c": State(), "d": Named(1, 2), "e": Listy([1]), "f": Dicty(x=1), "g": NewArgs(), "z": 0}`,
		want: `{"a":"<__main__.Plain>","b":"<__main__.Slots>","c":"<__main__.State>","d":"<__main__.Named>","e":"<__main__.Listy>","f":"<__main__.Dicty>","g":"<__main__.NewArgs>","z":0}`},
	{python: `{"a": Plain, "b": len, "c": ValueError("x"), "d": pathlib.PurePosixPath("/x"), "e": Colour.RED, "f": re.compile("x"), "z": 0}`,
		want: `{"a":"<__main__.Plain>","b":"<builtins.len>","c":"<builtins.ValueError>","d":"<pathlib.PurePosixPath>","e":"<__main__.Colour>","f":"<re._compile>","z":0}`,
		old3: `{"a":"<__main__.Plain>","b":"<__builtin__.len>","c":"<exceptions.ValueError>","d":"<pathlib.PurePosixPath>","e":"<__main__.Colour>","f":"<re._compile>","z":0}`},
	{python: `{"a": Evil(), "z": 0}`, want: `{"a":"<posix.system>","z":0}`},
	{python: `{"a": range(3), "b": slice(1), "c": complex(1, 2), "z": 0}`,
		want: `{"a":"<builtins.range>","b":"<builtins.slice>","c":"<builtins.complex>","z":0}`,
		old3: `{"a":"<__builtin__.xrange>","b":"<__builtin__.slice>","c":"<__builtin__.complex>","z":0}`},
	{python: `{"a": bytearray(b"xy"), "z": 0}`, want: `{"a":"xy","z":0}`, old4: `{"a":"<builtins.bytearray>","z":0}`, old3: `{"a":"<__builtin__.bytearray>","z":0}`},
}

// What of it protocol 4 still calls.
const bytearrayBefore5 = `{"a":"<builtins.bytearray>","z":0}`

func upTo(n int) string {
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i
	}
	text, _ := json.Marshal(numbers)
	return string(text)
}

const pickler = `
import base64, collections, datetime, decimal, enum, os, pathlib, pickle, re, sys, uuid
class Plain:
    def __init__(self): self.x = 1
class Slots:
    __slots__ = ["x"]
    def __init__(self): self.x = 1
    def __getstate__(self): return (None, {"x": 1})
class State:
    def __getstate__(self): return {"x": 1}
    def __setstate__(self, s): pass
class NewArgs:
    def __getnewargs__(self): return (1, 2)
class Listy(list): pass
class Dicty(dict): pass
class Colour(enum.Enum): RED = 1
class Evil:
    def __reduce__(self): return (os.system, ("touch /tmp/sluice-was-here",))
Named = collections.namedtuple("Named", "x y")
def cyclic_dict():
    d = {"a": 1}
    d["self"] = d
    d["b"] = [d]
    return d
def cyclic_list():
    l = [1]
    l.append(l)
    return {"l": l}
def nested(n):
    l = []
    for i in range(n): l = [l]
    return l
for line in sys.stdin:
    value = eval(line)
    for protocol in range(6):
        for dumps in pickle.dumps, pickle._dumps:
            print(protocol, base64.b64encode(dumps(value, protocol)).decode())
`

// python3 pickles each value in every protocol, by both its picklers.
func TestUnpickle(t *testing.T) {
	needs(t, "python3", "python3")
	python := exec.Command("python3", "-c", pickler)
	var in strings.Builder
	for _, c := range pickled {
		in.WriteString(c.python + "\n")
	}
	python.Stdin, python.Stderr = strings.NewReader(in.String()), os.Stderr
	out, err := python.Output()
	if err != nil {
		t.Fatal(err)
	}
	u := newUnpickler(1 << 20)
	lines := bufio.NewScanner(strings.NewReader(string(out)))
	lines.Buffer(nil, 1<<20)
	for _, c := range pickled {
		for n := range 12 {
			if !lines.Scan() {
				t.Fatalf("python3 wrote nothing more at %s", c.python)
			}
			protocol, text, _ := strings.Cut(lines.Text(), " ")
			if int(protocol[0]-'0') != n/2 {
				t.Fatalf("want protocol %d, not %s", n/2, protocol)
			}
			pickle, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				t.Fatal(err)
			}
			want := c.want
			if n/2 < 4 && c.old4 != "" {
				want = c.old4
			}
			if n/2 < 3 && c.old3 != "" {
				want = c.old3
			}
			if strings.Contains(c.python, "bytearray") && n/2 == 4 {
				want = bytearrayBefore5
			}
			root, err := u.read(pickle)
			if err != nil {
				t.Errorf("%.80s in protocol %s: %v", c.python, protocol, err)
				continue
			}
			got, whole := u.append(nil, root, 4<<20)
			if string(got) != want || !whole {
				t.Errorf("%.80s in protocol %s:\n got %.400s\nwant %.400s", c.python, protocol, got, want)
			}
			// It never ends in the middle: each shorter one is refused.
			for i := 0; i < len(pickle); i += 1 + len(pickle)/200 {
				if _, err := u.read(pickle[:i]); err == nil {
					t.Errorf("%.80s in protocol %s: its first %d bytes are a pickle", c.python, protocol, i)
				}
			}
		}
	}
	if _, err := os.Stat("/tmp/sluice-was-here"); err == nil {
		t.Error("something was called")
	}
}

// Pickles by hand: those that no pickler writes, and attacks.
var handmade = []struct{ name, pickle, want string }{
	{"INST", "(S'a'\n(I1\nios\nsystem\ns.", "the pickle takes"},
	{"INST in a dict", "}S'a'\n(I1\nios\nsystem\ns.", `{"a":"<os.system>"}`},
	{"OBJ", "}X\x01\x00\x00\x00a(cos\nsystem\nK\x01os.", `{"a":"<os.system>"}`},
	{"OBJ of nothing", "}X\x01\x00\x00\x00a(os.", "the pickle takes"},
	{"REDUCE with BUILD", "}X\x01\x00\x00\x00acos\nsystem\n(S'rm -rf /'\ntR}bs.", `{"a":"<os.system>"}`},
	{"REDUCE of a result", "}X\x01\x00\x00\x00acos\nsystem\n)R)R)Rs.", `{"a":"<os.system>"}`},
	{"REDUCE of a text", "}X\x01\x00\x00\x00aX\x01\x00\x00\x00b)Rs.", `{"a":"<?>"}`},
	{"getattr", "}X\x01\x00\x00\x00ac__builtin__\ngetattr\n(cos\nX\nX\x06\x00\x00\x00systemtRs.", `{"a":"<__builtin__.getattr>"}`},
	{"NEWOBJ_EX", "}\x8c\x01a\x8c\x01m\x8c\x01c\x93)}\x92s.", `{"a":"<m.c>"}`},
	{"PERSID", "}S'a'\nP17\ns.", `{"a":"<?>"}`},
	{"BINPERSID", "}S'a'\nK\x01Qs.", `{"a":"<?>"}`},
	{"EXT", "}(K\x01\x82\x05K\x02\x83\x05\x01K\x03\x84\x05\x00\x01\x00u.", `{"1":"<extension 5>","2":"<extension 261>","3":"<extension 65541>"}`},
	{"EXT called", "}S'a'\n\x82\x05)Rs.", `{"a":"<extension 5>"}`},
	{"a name of numbers", "}S'a'\nK\x01]\x93s.", `{"a":"<?.?>"}`},
	{"a name with a quote and a newline", "}S'a'\n\x8c\x03\"\n\\\x8c\x01c\x93s.", `{"a":"<\"\n\\.c>"}`},
	{"a list that is filled after it was used", "}X\x01\x00\x00\x00a]q\x00sh\x00K\x01a0.", `{"a":[1]}`},
	{"a list filled by turns", "}X\x01\x00\x00\x00a]q\x00s]q\x01h\x00K\x01a0h\x01K\x02a0h\x00K\x03a00X\x01\x00\x00\x00bh\x01s.", `{"a":[1,3],"b":[2]}`},
	{"DUP", "}S'a'\n](K\x01e2\x86s.", `{"a":[[1],[1]]}`},
	{"POP of a mark", "}(0S'a'\nK\x01s.", `{"a":1}`},
	{"POP_MARK", "}(K\x01K\x021S'a'\nK\x01s.", `{"a":1}`},
	{"buffers", "}S'a'\n\x97\x98s.", `{"a":"<?>"}`},
	{"DICT", "(S'a'\nK\x01S'b'\nK\x02d.", `{"a":1,"b":2}`},
	{"LIST", "}S'a'\n(K\x01K\x02ls.", `{"a":[1,2]}`},
	{"a str of Python 2", "}(U\x01aT\x02\x00\x00\x00xyS'b'\nS'it\\'s \\x41\\n\\q'\nu.", `{"a":"xy","b":"it's A\n\\q"}`},
	{"a long of Python 2", "}S'a'\nL123L\ns.", `{"a":123}`},
	{"LONG1 of nothing", "}S'a'\n\x8a\x00s.", `{"a":0}`},
	{"an empty segment", "}S'a'\n](e(es.", `{"a":[]}`},
	{"an int of many digits", "}S'a'\nI" + strings.Repeat("9", 5000) + "\ns.", `{"a":"<int of 5000 digits>"}`},
	{"an int of many bytes", "}S'a'\n\x8b\x00\x10\x00\x00" + strings.Repeat("x", 4096) + "s.", `{"a":"<int of 4096 bytes>"}`},
	{"a key that is a dict", "}}K\x01s.", `{"<dict>":1}`},
	{"a key that is called", "}cos\nsystem\n)RK\x01s.", `{"<os.system>":1}`},
	{"bytes after the end", "}S'a'\nK\x01s.more", `{"a":1}`},

	{"nothing", "", "breaks off"},
	{"only the end", ".", "the pickle takes"},
	{"a list", "].", "no dict"},
	{"an object", "cos\nsystem\n)R.", "no dict"},
	{"text", "<13>x", "opcode"},
	{"a newer protocol", "\x80\x06}.", "newer"},
	{"a length of 4 GB", "}X\xff\xff\xff\xffa", "breaks off"},
	{"a length of 2^64-1", "}\x8d\xff\xff\xff\xff\xff\xff\xff\xffa", "breaks off"},
	{"a frame of 2^63", "\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x80}.", "breaks off"},
	{"LONG4 below zero", "}\x8b\xff\xff\xff\xffa", "breaks off"},
	{"a memo of 4 GB", "}r\xfe\xff\xff\xff.", "memo"},
	{"a memo of 10^9", "}p1000000000\n.", "memo"},
	{"a memo below zero", "}p-1\n.", "number"},
	{"a memo that is not there", "}h\x00s.", "memo"},
	{"below the mark", "}K\x01(0000.", "the pickle takes"},
	{"a mark that is not there", "}u.", "the pickle takes"},
	{"a key without value", "}(K\x01u.", "the pickle takes"},
	{"a dict of three", "(K\x01K\x02K\x03d.", "the pickle takes"},
	{"APPEND to a text", "S'a'\nK\x01a.", "no container"},
	{"SETITEM on a list", "]K\x01K\x02s.", "no container"},
	{"an int that is none", "}I1_000\ns.", "number"},
	{"an int of nothing", "}I\ns.", "number"},
	{"an int that is JSON", "}S'a'\nI1,\"b\":2\ns.", "number"},
	{"a float that is none", "}Fx\n.", "number"},
	{"a quote that does not close", "}S'a\n.", "opcode"},
	{"many marks", strings.Repeat("(", 1<<20), "too many"},
	{"many values", strings.Repeat("N", 1<<20), "too many"},
	{"many tuples", ")" + strings.Repeat("\x85", 1<<20) + ".", "too many"},
	{"many popped", strings.Repeat("]0", 1<<19), "too many"},
}

func TestUnpickleHandmade(t *testing.T) {
	u := newUnpickler(1 << 20)
	for _, c := range handmade {
		root, err := u.read([]byte(c.pickle))
		got := ""
		if err != nil {
			if got = err.Error(); strings.Contains(got, c.want) {
				got = c.want
			}
		} else {
			b, _ := u.append(nil, root, 4<<20)
			got = string(b)
		}
		if got != c.want {
			t.Errorf("%s: got %.200s, want %s", c.name, got, c.want)
		}
	}
}

// Bombs: a few bytes that would be much. What stood before them is still there, and none takes long.
func TestUnpickleBombs(t *testing.T) {
	const size = 1 << 20
	head := "}(X\x05\x00\x00\x00levelX\x04\x00\x00\x00INFOX\x04\x00\x00\x00bomb"
	for _, c := range []struct{ name, bomb, want string }{
		{"tuples", ")" + strings.Repeat("2\x86", 100), `"<too large>"`},
		{"tuples, 30 levels", ")" + strings.Repeat("2\x86", 30), `"<too large>"`},
		{"dicts", "}" + strings.Repeat("q\x000}K\x01h\x00sK\x02h\x00s", 40), `"<too large>"`},
		{"lists by the memo", "]" + strings.Repeat("q\x000](h\x00h\x00h\x00h\x00e", 40), `"<too large>"`},
		{"a text often", "X\x00\x00\x01\x00" + strings.Repeat("x", 1<<16) + "q\x000](" + strings.Repeat("h\x00", 1000) + "e", `"<too large>"`},
		{"a long often", "\x8b\xf9\x06\x00\x00" + strings.Repeat("\x7f", 1785) + "q\x000](" + strings.Repeat("h\x00", 50000) + "e", `"<too large>"`},
		{"a name often", "X\x00\x00\x01\x00" + strings.Repeat("x", 1<<16) + "q\x000](" + strings.Repeat("h\x00h\x00\x93", 1000) + "e", `"<too large>"`},
		{"control characters", "X\x00\x00\x0f\x00" + strings.Repeat("\x01", 0xf0000), `"<too large>"`},
		{"depth", strings.Repeat("]", 30000) + strings.Repeat("a", 29999), strings.Repeat("[", 63) + `"<...>"` + strings.Repeat("]", 63)},
	} {
		u := newUnpickler(size)
		start := time.Now()
		root, err := u.read([]byte(head + c.bomb + "X\x01\x00\x00\x00zK\x01u."))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got, whole := u.append(nil, root, 4*size)
		want := `{"level":"INFO","bomb":` + c.want
		if c.want != `"<too large>"` {
			want += `,"z":1`
		}
		if want += "}"; string(got) != want || whole != strings.Contains(want, `"z"`) {
			t.Errorf("%s: got %.200s, want %.200s", c.name, got, want)
		}
		if !json.Valid(got) {
			t.Errorf("%s: no JSON: %.200s", c.name, got)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s took %v", c.name, took)
		}
	}
}
