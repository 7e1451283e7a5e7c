package strict

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// maxSecret is the most that ${file:PATH} reads: a password, a token, a small key.
const maxSecret = 64 << 10

// text is a scalar with its variables replaced.
type text struct {
	value  string
	pieces []piecewise
	err    error
}

// piecewise is one variable as it is written and what it stands for.
type piecewise struct{ written, value string }

// Text is the text of the scalar n with its variables replaced. Anything but a scalar with a value is
// an error, as is a variable that has none; the answer is then false.
func (d *Decoder) Text(n *yaml.Node) (string, bool) {
	n = Resolve(n)
	if n.Kind != yaml.ScalarNode || isNull(n) {
		d.mismatch(n, "text")
		return "", false
	}
	return d.text(n)
}

func (d *Decoder) text(n *yaml.Node) (string, bool) {
	t := d.expanded(n)
	if t.err != nil {
		d.report(n, t.err.Error())
	}
	return t.value, t.err == nil
}

// secret tells whether n holds a variable: what it stands for must not be printed.
func (d *Decoder) secret(n *yaml.Node) bool { return len(d.expanded(Resolve(n)).pieces) > 0 }

// expanded replaces the variables of n, once: a file may give another answer the second time.
func (d *Decoder) expanded(n *yaml.Node) text {
	if n.Kind == yaml.ScalarNode && !strings.Contains(n.Value, "${") {
		return text{value: n.Value}
	}
	t, known := d.texts[n]
	if !known {
		if n.Kind == yaml.ScalarNode {
			t = d.expand(n.Value)
		}
		d.texts[n] = t
	}
	return t
}

// expand replaces ${NAME}, ${NAME:-default} and ${file:PATH} in s; $${ is a plain ${.
func (d *Decoder) expand(s string) (t text) {
	var b strings.Builder
	for {
		i := strings.Index(s, "${")
		if i < 0 {
			b.WriteString(s)
			t.value = b.String()
			return t
		}
		if i > 0 && s[i-1] == '$' {
			b.WriteString(s[:i-1] + "${")
			s = s[i+2:]
			continue
		}
		end := strings.IndexByte(s[i:], '}')
		if end < 0 {
			return text{err: errors.New("${ without } (to write ${ itself: $${)")}
		}
		written := s[i : i+end+1]
		value, err := d.variable(written[2 : len(written)-1])
		if err != nil {
			return text{err: fmt.Errorf("%s %w", written, err)}
		}
		b.WriteString(s[:i] + value)
		t.pieces = append(t.pieces, piecewise{written, value})
		s = s[i+end+1:]
	}
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// variable is what stands between ${ and }. The error goes behind it.
func (d *Decoder) variable(inside string) (string, error) {
	if path, ok := strings.CutPrefix(inside, "file:"); ok {
		return d.file(path)
	}
	name, otherwise, hasDefault := strings.Cut(inside, ":-")
	if !variableName.MatchString(name) || strings.Contains(otherwise, "${") {
		return "", errors.New("is no variable: want ${NAME}, ${NAME:-default} or ${file:PATH} (to write ${ itself: $${)")
	}
	value, ok := d.Getenv(name)
	switch {
	case hasDefault && value == "": // as in a shell, :- replaces an empty value too
		return otherwise, nil
	case !ok:
		return "", errors.New("is not set and has no default")
	}
	return value, nil
}

func (d *Decoder) file(path string) (string, error) {
	if path == "" || strings.HasPrefix(path, "~") {
		return "", errors.New("needs a path, and ~ is not one")
	}
	if !filepath.IsAbs(path) {
		dir, _ := d.Getenv("CREDENTIALS_DIRECTORY")
		if dir == "" {
			return "", errors.New("is relative, but $CREDENTIALS_DIRECTORY is not set (systemd sets it for LoadCredential=)")
		}
		path = filepath.Join(dir, path)
	}
	content, err := d.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("cannot be read: %w", err)
	}
	if len(content) > maxSecret {
		return "", fmt.Errorf("has more than %d KiB", maxSecret>>10)
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r"), nil
}

// readFile reads one byte more than is allowed, to tell.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxSecret+1))
}
