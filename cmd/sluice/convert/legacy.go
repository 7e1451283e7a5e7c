package convert

import (
	"strconv"
	"strings"
)

// legacy is what directives of the old language have set so far. It holds for the lines behind them, and not for the
// objects of the new one, but for umask and the templates.
type legacy struct {
	owner, group    string
	mode, dirMode   string
	umask           int64
	fileTemplate    string
	forwardTemplate string
	sync            bool
	failover        bool // the next action is for when the one before it cannot

	queueFile, queueDisk string
	driver, driverMode   string
	driverAuth           string
	peers                []string
	udpAddress           string
	udpRuleset           string
	tcpRuleset           string
	ptcpRuleset          string
	tcpSessions          string
	escapeOff            bool
}

func newLegacy() legacy { return legacy{umask: 0o022, mode: "0644"} }

// argument is the first word of a directive's arguments, or what is in quotes.
func argument(args string) string {
	if quoted, ok := strings.CutPrefix(args, `"`); ok {
		inner, _, _ := strings.Cut(quoted, `"`)
		return inner
	}
	if words := strings.Fields(args); len(words) > 0 && !strings.HasPrefix(words[0], "#") {
		return words[0]
	}
	return ""
}

func isOn(word string) bool {
	return strings.EqualFold(word, "on") || word == "1" || strings.EqualFold(word, "yes")
}

// setters are directives that hold for what is behind them.
var setters = map[string]func(l *legacy, arg string){
	"fileowner":                        func(l *legacy, a string) { l.owner = a },
	"fileownernum":                     func(l *legacy, a string) { l.owner = a },
	"filegroup":                        func(l *legacy, a string) { l.group = a },
	"filegroupnum":                     func(l *legacy, a string) { l.group = a },
	"filecreatemode":                   func(l *legacy, a string) { l.mode = a },
	"dircreatemode":                    func(l *legacy, a string) { l.dirMode = a },
	"umask":                            func(l *legacy, a string) { l.umask, _ = strconv.ParseInt(a, 8, 64) },
	"actionfiledefaulttemplate":        func(l *legacy, a string) { l.fileTemplate = a },
	"actionforwarddefaulttemplate":     func(l *legacy, a string) { l.forwardTemplate = a },
	"actionforwarddefaulttemplatename": func(l *legacy, a string) { l.forwardTemplate = a },
	"actionfileenablesync":             func(l *legacy, a string) { l.sync = isOn(a) },
	"actionqueuefilename":              func(l *legacy, a string) { l.queueFile = a },
	"actionqueuemaxdiskspace":          func(l *legacy, a string) { l.queueDisk = a },
	"actionsendstreamdriver":           func(l *legacy, a string) { l.driver = a },
	"actionsendstreamdrivermode":       func(l *legacy, a string) { l.driverMode = a },
	"actionsendstreamdriverauthmode":   func(l *legacy, a string) { l.driverAuth = a },
	"actionsendstreamdriverpermittedpeer": func(l *legacy, a string) {
		l.peers = append(l.peers[:len(l.peers):len(l.peers)], a)
	},
	"actionexeconlywhenpreviousissuspended": func(l *legacy, a string) { l.failover = isOn(a) },
	"udpserveraddress":                      func(l *legacy, a string) { l.udpAddress = a },
	"inputudpserverbindruleset":             func(l *legacy, a string) { l.udpRuleset = a },
	"inputtcpserverbindruleset":             func(l *legacy, a string) { l.tcpRuleset = a },
	"inputptcpserverbindruleset":            func(l *legacy, a string) { l.ptcpRuleset = a },
	"inputtcpmaxsessions":                   func(l *legacy, a string) { l.tcpSessions = a },
	"resetconfigvariables":                  func(l *legacy, _ string) { *l = newLegacy() },
}

// globalDirectives are those that a global(..) of the new language says, too.
var globalDirectives = map[string]string{
	"privdroptouser": "privdrop.user.name", "privdroptouserid": "privdrop.user.id",
	"privdroptogroup": "privdrop.group.name", "privdroptogroupid": "privdrop.group.id",
	"defaultnetstreamdriver": "defaultnetstreamdriver", "defaultnetstreamdrivercafile": "defaultnetstreamdrivercafile",
	"defaultnetstreamdrivercertfile": "defaultnetstreamdrivercertfile", "defaultnetstreamdriverkeyfile": "defaultnetstreamdriverkeyfile",
	"maxmessagesize": "maxmessagesize", "localhostname": "localhostname", "workdirectory": "workdirectory", "preservefqdn": "preservefqdn",
	"inputtcpserverstreamdrivermode": "inputtcpserverstreamdrivermode", "inputtcpserverstreamdriverauthmode": "inputtcpserverstreamdriverauthmode",
	"inputtcpserverstreamdriverpermittedpeer": "inputtcpserverstreamdriverpermittedpeer",
	"escapecontrolcharactersonreceive":        "parser.escapecontrolcharactersonreceive",
}

// needless are directives that have no counterpart because none is needed: sluice does so anyway, or has no such part.
var needless = []string{
	"template", "maxopenfiles", "optimizeforuniprocessor", "droptrailinglfonreception", "omfileiobuffersize", "omfileasyncwriting",
	"omfileflushontxend", "omfileflushinterval", "dynafilecachesize", "failonchownfailure", "klogpermitnonkernelfacility", "kloginternalmsgfacility",
	"moddir", "actionname", "systemloguseppidfromsystem", "systemlogusepidfromsystem", "systemlogusesystimestamp", "systemlogparsetrusted", "abortonuncleanconfig",
	"systemlogsocketignoremsgtimestamp", "udpservertimerequery", "imudpschedulingpolicy", "imudpschedulingpriority", "inputtcpserverkeepalive", "inputtcpserverinputname",
	"inputtcpflowcontrol", "inputunixlistensocketflowcontrol", "systemlogflowcontrol", "generateconfiggraph", "logrsyslogstatusmessages", "debugprinttemplatelist",
	"debugprintmodulelist", "debugprintcfsyslinehandlerlist", "debugfile", "debuglevel", "actionwriteallmarkmessages", "filecreatemodeforce", "spacelfonreceive",
	"actionresumeinterval", "actionresumeretrycount", "logrsyslogstatusmessage", "inputtcpmaxlisteners", "errormessagestostderr", "inputtcpservernotifyonconnectionclose",
}

// needlessPrefixes likewise.
var needlessPrefixes = []string{"mainmsgqueue", "actionqueue", "rulesetcreatemainqueue", "mainqueue"}

// A refusal is what sluice does not do; saying that rsyslog does not do it either is no loss.
type refusal struct {
	harmless []string // values, in lower case
	why      string
}

var refusals = map[string]refusal{
	"repeatedmsgreduction":              {[]string{"off", ""}, "every message is written"},
	"repeatedmsgcontainsoriginalmsg":    {[]string{"off", ""}, "every message is written"},
	"createdirs":                        {[]string{"on", ""}, "folders are always made"},
	"systemlogratelimitinterval":        {[]string{"0", ""}, "rsyslog counts for each process; rate_limit: on an input is by source"},
	"systemlogratelimitburst":           {[]string{"0", ""}, "rsyslog counts for each process; rate_limit: on an input is by source"},
	"systemlogratelimitseverity":        {[]string{"0", ""}, "rate_limit: counts all severities"},
	"imuxsockratelimitinterval":         {[]string{"0", ""}, "rsyslog counts for each process; rate_limit: on an input is by source"},
	"escape8bitcharactersonreceive":     {[]string{"off", ""}, "bytes above 127 are written as they are"},
	"escapecontrolcharactertab":         {[]string{"on", ""}, "a tab is escaped as the other control characters are"},
	"controlcharacterescapeprefix":      {[]string{"#", `\#`, ""}, "the escape is #012"},
	"preservefqdn":                      {[]string{"off", ""}, "hostname: says what local messages get"},
	"actionexeconlyonceinterval":        {[]string{"0", ""}, "every message is written"},
	"actionexeconlyeverynthtime":        {[]string{"0", "1", ""}, "every message is written"},
	"markmessageperiod":                 {[]string{"0", ""}, "there are no MARK messages"},
	"dirowner":                          {[]string{"root", "0", ""}, "folders that are made belong to the process"},
	"dirgroup":                          {[]string{"root", "0", ""}, "folders that are made belong to the process"},
	"dirownernum":                       {[]string{"0", ""}, "folders that are made belong to the process"},
	"dirgroupnum":                       {[]string{"0", ""}, "folders that are made belong to the process"},
	"klogconsoleloglevel":               {[]string{""}, "sysctl kernel.printk sets it"},
	"klogpath":                          {[]string{"/proc/kmsg", "/dev/kmsg", ""}, "the kernel's log is read from /dev/kmsg"},
	"inputtcpserveraddtlframedelimiter": {[]string{"-1", ""}, "framing: nul on the input"},
	"inputtcpserverdisablelfdelimiter":  {[]string{"off", ""}, "framing: octet_counted or nul on the input"},
	"gssforwardservicename":             {nil, "no GSSAPI; use tls"},
	"actiongssforwarddefaulttemplate":   {nil, "no GSSAPI; use tls"},
	"defaultruleset":                    {[]string{"rsyslog_defaultruleset"}, "bind the ruleset to the inputs"},
	"inputrelpserverrun":                {nil, "RELP is not spoken; use tcp or tls, which sluice delivers over at least once"},
	"inputfilename":                     {nil, noFiles},
}

const noFiles = "files are not read yet; let the program log to syslog, or keep rsyslog's imfile and forward to sluice"
