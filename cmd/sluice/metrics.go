package main

import (
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"sluice/syslog"
	"sluice/writer"
)

// A metric is one that has a value for each input or target.
type metric[T any] struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	of   func(T) float64
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("sluice_"+name, help, labels, nil)
}

// What is told to Prometheus. The names are a promise to those who alert on them.
var (
	inputMetrics = []metric[*syslog.Counters]{
		{describe("input_messages_total", "Messages that an input has received.", "input"), prometheus.CounterValue, func(c *syslog.Counters) float64 { return float64(c.Messages.Load()) }},
		{describe("input_bytes_total", "Bytes of these messages, without framing.", "input"), prometheus.CounterValue, func(c *syslog.Counters) float64 { return float64(c.Bytes.Load()) }},
		{describe("input_malformed_total", "Messages of which something had to be guessed.", "input"), prometheus.CounterValue, func(c *syslog.Counters) float64 { return float64(c.Malformed.Load()) }},
		{describe("input_truncated_total", "Messages that were longer than max_message_size.", "input"), prometheus.CounterValue, func(c *syslog.Counters) float64 { return float64(c.Truncated.Load()) }},
		{describe("input_connections", "Connections that are open.", "input"), prometheus.GaugeValue, func(c *syslog.Counters) float64 { return float64(c.Connections.Load()) }},
		{describe("input_connections_refused_total", "Connections over max_connections, or that are not what the input speaks.", "input"), prometheus.CounterValue, func(c *syslog.Counters) float64 { return float64(c.ConnectionsRefused.Load()) }},
	}
	targetMetrics = []metric[*writer.Target]{
		{describe("target_messages_total", "Messages that a target has written.", "target"), prometheus.CounterValue, func(t *writer.Target) float64 { return float64(t.Messages()) }},
		{describe("target_bytes_total", "Bytes of these messages, with delimiters.", "target"), prometheus.CounterValue, func(t *writer.Target) float64 { return float64(t.Bytes()) }},
		{describe("target_errors_total", "Tries to write that failed.", "target"), prometheus.CounterValue, func(t *writer.Target) float64 { return float64(t.Errors()) }},
		{describe("target_resent_total", "Messages that were sent again after a break.", "target"), prometheus.CounterValue, func(t *writer.Target) float64 { return float64(t.Resent()) }},
		{describe("target_queue_bytes", "Bytes that wait in memory.", "target"), prometheus.GaugeValue, func(t *writer.Target) float64 { return float64(t.QueueBytes()) }},
		{describe("target_spool_bytes", "Bytes that wait on disk.", "target"), prometheus.GaugeValue, func(t *writer.Target) float64 { return float64(t.SpoolBytes()) }},
		{describe("target_up", "Whether the last try to write succeeded.", "target"), prometheus.GaugeValue, func(t *writer.Target) float64 {
			if t.Up() {
				return 1
			}
			return 0
		}},
	}
	inputDropped  = describe("input_dropped_total", "Messages that an input has dropped, and why.", "input", "reason")
	targetDropped = describe("target_dropped_total", "Messages that a target has dropped, and why.", "target", "reason")
	ruleMatches   = describe("rule_matches_total", "Messages that a rule has matched.", "rule")
	unrouted      = describe("unrouted_messages_total", "Messages that no rule has matched.")
	reloads       = describe("reloads_total", "How often the configuration was read again, and what came of it.", "result")
	buildInfo     = describe("build_info", "The version that runs.", "version")
)

// A collector reads the daemon's counters when it is asked.
type collector struct{ *daemon }

// Describe sends nothing: which inputs, rules and targets there are changes with the configuration.
func (c collector) Describe(chan<- *prometheus.Desc) {}

// Collect sends what the counters are now.
func (c collector) Collect(out chan<- prometheus.Metric) {
	p := c.now()
	send := func(desc *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, kind, v, labels...)
	}
	for i, in := range p.inputs {
		counters, name := in.Counters(), p.cfg.Inputs[i].Name
		for _, m := range inputMetrics {
			send(m.desc, m.kind, m.of(counters), name)
		}
		for _, r := range inputDrops(counters) {
			send(inputDropped, prometheus.CounterValue, float64(r.n), name, r.name)
		}
	}
	for _, r := range p.rules.Rules {
		send(ruleMatches, prometheus.CounterValue, float64(r.Matches()), r.Name)
	}
	for _, t := range p.targets {
		for _, m := range targetMetrics {
			send(m.desc, m.kind, m.of(t), t.Name)
		}
		for _, r := range targetDrops(t) {
			send(targetDropped, prometheus.CounterValue, float64(r.n), t.Name, r.name)
		}
	}
	send(unrouted, prometheus.CounterValue, float64(p.rules.Unrouted()))
	send(reloads, prometheus.CounterValue, float64(c.reloads.Load()), "ok")
	send(reloads, prometheus.CounterValue, float64(c.badReloads.Load()), "error")
	send(buildInfo, prometheus.GaugeValue, 1, versionText())
}

// metrics answers /metrics.
func (d *daemon) metrics() http.Handler {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(collector{d})
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorLog: slog.NewLogLogger(d.log.Handler(), slog.LevelError), MaxRequestsInFlight: 4})
}
