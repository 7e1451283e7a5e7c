package main

import (
	"strings"
	"testing"
	"time"
)

// What is wrong between a forward and its TLS collector, both a sluice, is said by both sides at once; when the file that is
// wrong is replaced, what waited arrives, and nobody has to be restarted.
func TestForwardTLSFaults(t *testing.T) {
	const known = "ca: ca.pem, cert: mine.pem, key: mine.key"
	for _, c := range []struct {
		name          string
		mine          wish // the certificate of the forward
		theirs        wish // of the collector
		forward, asks string
		ours, others  string // what is said
		repair        func(t *testing.T, f *tlsFolder)
	}{
		{"a name that is not permitted", wish{cn: "web2"}, wish{names: []string{"127.0.0.1"}}, known, ", client_ca: ca.pem, permitted_peers: [web1]",
			"the collector refused the TLS connection: tls: bad certificate", "permitted_peers has neither web2 nor",
			func(t *testing.T, f *tlsFolder) { f.ca.write(t, f.dir, "mine", wish{cn: "web1"}) }},
		{"no certificate", wish{cn: "web1"}, wish{names: []string{"127.0.0.1"}}, "ca: ca.pem", ", client_ca: ca.pem",
			"the collector refused the TLS connection: tls: certificate required", "client didn't provide a certificate", nil},
		{"an authority that the collector does not know", wish{cn: "web1"}, wish{names: []string{"127.0.0.1"}}, known, ", client_ca: theirs.pem",
			"the collector refused the TLS connection: tls: unknown certificate authority", "certificate signed by unknown authority",
			func(t *testing.T, f *tlsFolder) { writePEM(t, f.path("theirs.pem"), "CERTIFICATE", f.ca.cert.Raw) }},
		{"an authority that we do not know", wish{cn: "web1"}, wish{names: []string{"127.0.0.1"}}, "ca: theirs.pem", "",
			"we refuse the collector: .*certificate signed by unknown authority", "refused us|bad certificate|unknown certificate",
			func(t *testing.T, f *tlsFolder) { writePEM(t, f.path("theirs.pem"), "CERTIFICATE", f.ca.cert.Raw) }},
		{"another name", wish{cn: "web1"}, wish{names: []string{"siem.example.net"}}, known, "",
			"we refuse the collector: .*127.0.0.1", "bad certificate",
			func(t *testing.T, f *tlsFolder) {
				f.ca.write(t, f.dir, "theirs1", wish{names: []string{"127.0.0.1"}})
			}},
		{"expired", wish{cn: "web1"}, wish{names: []string{"127.0.0.1"}, from: -48 * time.Hour, to: -24 * time.Hour}, known, "",
			"we refuse the collector: .*expired", "bad certificate",
			func(t *testing.T, f *tlsFolder) {
				f.ca.write(t, f.dir, "theirs1", wish{names: []string{"127.0.0.1"}})
			}},
		{"a plain-text collector", wish{cn: "web1"}, wish{}, known, "plain",
			"the (collector closed the connection|connection broke) during the TLS handshake: does (it|the collector) speak TLS", "speaks TLS on a plain tcp input", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newTLSFolder(t, t.TempDir())
			f.ca.write(t, f.dir, "mine", c.mine)
			f.ca.write(t, f.dir, "theirs1", c.theirs)
			writePEM(t, f.path("theirs.pem"), "CERTIFICATE", newAuthority(t, "another CA").cert.Raw)
			input := `{syslog: "tls://127.0.0.1:0", tls: {cert: theirs1.pem, key: theirs1.key` + c.asks + `}}`
			if c.asks == "plain" {
				input = `"tcp://127.0.0.1:0"`
			}
			collector := run(t, f.dir, "collector", `{state_dir: ./theirs, inputs: [`+input+`], rules: [{to: {file: ./out, format: "{app_name} {message}"}}]}`)
			address := collector.address["tls"] + collector.address["tcp"]
			sender := run(t, f.dir, "sender", `{state_dir: ./ours, inputs: ["tcp://127.0.0.1:0"], rules: [{to:
  {forward: "tls://`+address+`", retry: {min: 50ms, max: 100ms}, tls: {`+c.forward+`}}}]}`)
			tell(t, sender.address["tcp"], "<13>Nov 20 15:17:52 web1 shop: paid")
			sender.says(c.ours)
			collector.says(c.others)
			if c.repair == nil {
				return
			}
			if strings.Contains(sender.log(), "writing again") {
				t.Error("it says that it is writing again to a collector that refuses it")
			}
			c.repair(t, f)
			waitForFile(t, f.path("out"), func(text string) bool { return strings.HasPrefix(text, "shop paid\n") }, "the message")
			sender.says("writing again")
		})
	}
}
