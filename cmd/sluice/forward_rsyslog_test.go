package main

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"sluice/syslog/freeport"
)

// gnutls says whether rsyslogd's module for TLS is there, which Debian packs by itself.
func gnutls(t testing.TB) {
	t.Helper()
	if found, _ := filepath.Glob("/usr/lib/*/rsyslog/lmnsd_gtls.so"); len(found) == 0 {
		lacks(t, "rsyslogd's gtls is missing: install Debian's package rsyslog-gnutls")
	}
}

// tlsCollector is an rsyslogd that takes TLS from web1.example.net alone, and writes what it gets to out as it came.
func tlsCollector(t testing.TB, f *tlsFolder, port string) *rsyslogd {
	return newRsyslogd(t, f.dir, "rsyslog", fmt.Sprintf(`
global(defaultNetstreamDriverCAFile="%[1]s/ca.pem" defaultNetstreamDriverCertFile="%[1]s/server.pem" defaultNetstreamDriverKeyFile="%[1]s/server.key"
  parser.escapeControlCharactersOnReceive="on")
module(load="imtcp" StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.Authmode="x509/name" PermittedPeer="web1.example.net")
input(type="imtcp" port="%[2]s" address="127.0.0.1")
template(name="bare" type="string" string="%%rawmsg%%\n")
*.* action(type="omfile" file="%[1]s/out" template="bare")
`, f.dir, port))
}

// rsyslogd as the collector over TLS, in both framings: each message arrives once, in order, as one.
func TestForwardTLSToRsyslogd(t *testing.T) {
	gnutls(t)
	for _, framing := range []string{"newline", "octet_counted"} {
		t.Run(framing, func(t *testing.T) {
			t.Parallel()
			f := newTLSFolder(t, t.TempDir())
			address := freeport.Address(t)
			tlsCollector(t, f, portOf(address)).start()
			sender := run(t, f.dir, "sender", `{state_dir: ./ours, inputs: [{syslog: "tcp://127.0.0.1:0", framing: nul}], rules: [{to:
  {forward: "tls://`+address+`", framing: `+framing+`, retry: {min: 50ms, max: 100ms}, tls: {ca: ca.pem, cert: client.pem, key: client.key}}}]}`)
			var lines, want strings.Builder
			for i := range 500 {
				text := fmt.Sprintf("<134>Nov 20 15:17:52 web1 shop[7]: traceback %d%%s  in line %d", i, i)
				fmt.Fprintf(&lines, text+"\x00", "\n")
				fmt.Fprintf(&want, text+"\n", "#012")
			}
			conn, err := net.Dial("tcp", sender.address["tcp"])
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprint(conn, lines.String())
			waitForFile(t, f.path("out"), func(text string) bool { return strings.Count(text, "\n") >= 500 }, "500 lines")
			waitForFile(t, f.path("out"), func(text string) bool { return text == want.String() }, "what was sent")
		})
	}
}

// rsyslogd looks at our certificate behind the handshake, and then just ends the connection: that is said, and what waits
// goes when it likes us.
func TestForwardRefusedByRsyslogd(t *testing.T) {
	gnutls(t)
	f := newTLSFolder(t, t.TempDir())
	f.ca.write(t, f.dir, "mine", wish{cn: "web2", names: []string{"web2.example.net"}})
	address := freeport.Address(t)
	tlsCollector(t, f, portOf(address)).start()
	sender := run(t, f.dir, "sender", `{state_dir: ./ours, inputs: ["tcp://127.0.0.1:0"], rules: [{to:
  {forward: "tls://`+address+`", retry: {min: 50ms, max: 100ms}, tls: {ca: ca.pem, cert: mine.pem, key: mine.key}}}]}`)
	poll(t, func() error {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return err
	})
	tell(t, sender.address["tcp"], "<13>Nov 20 15:17:52 web1 shop: paid")
	sender.says("the collector went away right after the TLS handshake: it may not accept our certificate: ")
	f.ca.write(t, f.dir, "mine", wish{cn: "web1", names: []string{"web1.example.net"}})
	waitForFile(t, f.path("out"), func(text string) bool { return strings.Contains(text, "shop: paid\n") }, "the message")
}
