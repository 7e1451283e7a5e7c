package strict

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// mask stands for what is not shown.
const mask = "***"

// MaskURL hides the password in s if s is a URL, or pyzog's password@host:port; all else it leaves as
// it is. A password that is a variable, ${NAME}, may be seen.
func MaskURL(s string) string {
	scheme, rest, ok := strings.Cut(s, "://")
	switch {
	case ok && schemeName.MatchString(scheme):
		return scheme + "://" + maskQuery(maskUser(rest))
	case bareUser.MatchString(s):
		at := strings.LastIndexByte(s, '@')
		return maskWord(s[:at]) + s[at:]
	}
	return s
}

var (
	schemeName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*$`)
	bareUser   = regexp.MustCompile(`^\S+@(\[[0-9A-Fa-f:.]+\]|[^\s@/:]+):\d+(/\S*)?$`)
	variable   = regexp.MustCompile(`^\$\{(file:)?[^{}:]+\}$`)
	badPort    = regexp.MustCompile(`^:|:\d*[^\d\]][^\]]*$`)
	query      = regexp.MustCompile(`([?&])([^=&#]+)=([^&#]*)`)
)

// maskUser takes a URL from behind its scheme. Passwords are typed with / and ? in them too: what
// stands before the path is then no host with a port, and the user goes on to the last @.
func maskUser(rest string) string {
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	at := strings.LastIndexByte(rest[:end], '@')
	if at < 0 && (badPort.MatchString(rest[:end]) || strings.Contains(rest[:end], "${")) {
		at = strings.LastIndexByte(rest, '@')
	}
	if at < 0 {
		return rest
	}
	user, password, ok := strings.Cut(rest[:at], ":")
	if variable.MatchString(rest[:at]) || !ok {
		return maskWord(rest[:at]) + rest[at:]
	}
	return user + ":" + maskWord(password) + rest[at:]
}

func maskQuery(s string) string {
	return query.ReplaceAllStringFunc(s, func(part string) string {
		m := query.FindStringSubmatch(part)
		if secretKey(m[2]) {
			m[3] = maskWord(m[3])
		}
		return m[1] + m[2] + "=" + m[3]
	})
}

func maskWord(password string) string {
	if password == "" || variable.MatchString(password) {
		return password
	}
	return mask
}

// secretKey tells a key whose value is a secret: password, basic_auth_password, client-secret.
func secretKey(key string) bool {
	return slices.ContainsFunc(strings.Split(strings.ToLower(Fold(key)), "_"), func(word string) bool {
		switch strings.TrimSuffix(word, "s") {
		case "password", "passwd", "pass", "pas", "passphrase", "secret", "token":
			return true
		}
		return false
	})
}

// mask writes the variables below n in msg as the file has them, and hides the passwords of URLs.
func (d *Decoder) mask(n *yaml.Node, msg string) string {
	if n == nil {
		return msg
	}
	n = Resolve(n)
	for _, c := range n.Content {
		msg = d.mask(c, msg)
	}
	for _, p := range d.texts[n].pieces {
		forms := []string{p.value, strings.Trim(strconv.Quote(p.value), `"`), url.QueryEscape(p.value), url.PathEscape(p.value), strings.ToLower(p.value)}
		for _, form := range forms {
			msg = replaceWord(msg, form, p.written)
		}
	}
	if masked := MaskURL(n.Value); masked != n.Value {
		msg = strings.ReplaceAll(msg, n.Value, masked)
	}
	return msg
}

// replaceWord is strings.ReplaceAll, except that a short old is replaced only where it stands alone:
// a PORT of 5 must not be seen in every number. What is written as written stays so.
func replaceWord(s, old, written string) string {
	if old == "" {
		return s
	}
	parts := strings.Split(s, written)
	for i, part := range parts {
		if len(old) < 4 {
			alone := regexp.MustCompile(`(^|[^\pL\pN])` + regexp.QuoteMeta(old) + `($|[^\pL\pN])`)
			parts[i] = alone.ReplaceAllStringFunc(part, func(m string) string { return strings.Replace(m, old, written, 1) })
		} else {
			parts[i] = strings.ReplaceAll(part, old, written)
		}
	}
	return strings.Join(parts, written)
}
