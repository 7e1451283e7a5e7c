package ingest

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// A RedisAddress is where a Redis server is, and as whom to come.
type RedisAddress struct {
	Network        string // tcp or unix
	Where          string // host:port, or a path; empty if the URL names no host
	TLS            bool
	DB             int
	User, Password string
}

const (
	redisPort    = "6379"
	sentinelPort = "26379"
)

// ParseRedisAddress reads redis://user:password@host:port/db, with rediss for TLS; unix://user:password@/path?db=1; and
// pyzog's password@host:port/db. The user goes on to the last @, so that a password may hold any character. That of a URL
// is percent-decoded, unless literal says that it is to be taken as it is. An error does not show it.
func ParseRedisAddress(s string, literal bool) (RedisAddress, error) {
	a := RedisAddress{Network: "tcp"}
	scheme, rest, isURL := strings.Cut(s, "://")
	if !isURL {
		scheme, rest = "redis", s
	}
	switch strings.ToLower(scheme) {
	case "redis":
	case "rediss":
		a.TLS = true
	case "unix":
		a.Network = "unix"
	default:
		return a, errors.New("unknown scheme: want redis://, rediss:// or unix://")
	}
	user, where := "", rest
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		user, where = rest[:at], rest[at+1:]
	}
	if err := a.find(where); err != nil {
		return a, err
	}
	return a, a.identify(user, isURL, isURL && !literal)
}

// find reads what stands behind the user.
func (a *RedisAddress) find(where string) error {
	where, query, _ := strings.Cut(where, "?")
	db := ""
	for option := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(option, "=")
		switch name {
		case "":
		case "db":
			db = value
		default:
			return errors.New("in the URL there can only be the option db; write others as keys beside it")
		}
	}
	if a.Network == "unix" {
		if a.Where = where; where == "" {
			return errors.New("the address names no socket: want unix:///path")
		}
		return a.choose(db)
	}
	host, path, _ := strings.Cut(where, "/")
	if path != "" {
		if db != "" {
			return errors.New("the database is there twice, as path and as db")
		}
		db = path
	}
	if host != "" {
		a.Where = withPort(host, redisPort)
		if h, port, err := net.SplitHostPort(a.Where); err != nil || h == "" || strings.Contains(h, ":") && !isIP(h) {
			return errors.New("the address is not host:port/db")
		} else if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return errors.New("the port is not 1 to 65535")
		}
	}
	return a.choose(db)
}

func (a *RedisAddress) choose(db string) error {
	if db == "" {
		return nil
	}
	n, err := strconv.ParseUint(db, 10, 16)
	if err != nil {
		return errors.New("the database is no number")
	}
	a.DB = int(n)
	return nil
}

// identify reads the user and password; without a colon, a URL has a user there and pyzog's form a password.
func (a *RedisAddress) identify(user string, isURL, encoded bool) error {
	if !isURL {
		a.Password = strings.TrimPrefix(user, ":")
		return nil
	}
	name, password, _ := strings.Cut(user, ":")
	if encoded {
		var err error
		if password, err = url.PathUnescape(password); err != nil {
			return errors.New("the password has a % that begins no escape: write it %25")
		}
		if name, err = url.PathUnescape(name); err != nil {
			return errors.New("the user has a % that begins no escape: write it %25")
		}
	}
	if name != "" && password == "" {
		return errors.New("a user needs a password: redis://user:password@host, or redis://:password@host without a user")
	}
	a.User, a.Password = name, password
	return nil
}

// withPort is host:port; port is for a host that has none.
func withPort(host, port string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), port)
}

func isIP(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

func (a RedisAddress) scheme() string {
	switch {
	case a.Network == "unix":
		return "unix"
	case a.TLS:
		return "rediss"
	}
	return "redis"
}

// place is what stands behind the scheme.
func (a RedisAddress) place() string {
	switch db := strconv.Itoa(a.DB); {
	case a.Network != "unix":
		return a.Where + "/" + db
	case a.DB != 0:
		return a.Where + "?db=" + db
	}
	return a.Where
}

// String is the address as a URL, without user and password.
func (a RedisAddress) String() string { return a.scheme() + "://" + a.place() }
