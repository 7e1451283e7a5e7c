package main

import (
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"sluice/rules"
	"sluice/syslog"
	"sluice/writer"
)

var update = flag.Bool("update", false, "write etc/sluice.schema.json and testdata/convert anew")

type object = map[string]any

// TestSchema holds etc/sluice.schema.json, from which editors complete and check, to the tables and structs that the
// daemon itself reads files with. go test ./cmd/sluice -run TestSchema -update writes it anew.
func TestSchema(t *testing.T) {
	const file = "../../etc/sluice.schema.json"
	want, err := json.MarshalIndent(schema(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("write it anew with -update (-want +got):\n%s", diff)
	}
}

func schema() object {
	root := structSchema(reflect.TypeFor[mainFile]())
	properties := root["properties"].(object)
	properties["control"] = either(structSchema(reflect.TypeFor[controlSpec]()))
	properties["http"] = either(structSchema(reflect.TypeFor[httpSpec]()))
	properties["formats"] = object{"type": "object", "additionalProperties": object{"type": "string"}}
	var ins, outs []object
	for _, k := range inputKinds {
		ins = append(ins, structSchema(reflect.TypeOf(k.spec)))
	}
	for _, k := range targetKinds {
		outs = append(outs, structSchema(reflect.TypeOf(k.spec)))
	}
	properties["inputs"] = listOf(either(ins...))
	properties["targets"] = object{"type": "object", "additionalProperties": ref("target")}
	rule := structSchema(reflect.TypeFor[ruleSpec]())
	rule["properties"].(object)["match"] = ref("match")
	rule["properties"].(object)["to"] = object{"anyOf": []any{ref("target"), listOf(ref("target"))}}
	properties["rules"] = listOf(rule)
	test := structSchema(reflect.TypeFor[testSpec]())
	properties["tests"] = listOf(test)
	root["$schema"], root["title"] = "http://json-schema.org/draft-07/schema#", "sluice.yaml"
	defined := definitions()
	defined["target"] = either(outs...)
	root["definitions"] = defined
	return root
}

// definitions are what a match is made of.
func definitions() object {
	value := object{"type": []string{"string", "number", "boolean"}}
	operators := object{"exists": object{"type": "boolean"}, "ignore_case": object{"type": "boolean"}}
	for _, name := range rules.OperatorNames() {
		operators[name] = ref("values")
	}
	severity := object{"at_least": object{"enum": syslog.Severities}, "at_most": object{"enum": syslog.Severities}}
	for k, v := range operators {
		severity[k] = v
	}
	properties := object{"all": listOf(ref("match")), "any": listOf(ref("match")), "not": ref("match"), "selector": ref("values")}
	for _, f := range syslog.DescribeFields() {
		condition := "condition"
		if f.Name == "severity" || f.Name == "facility" {
			condition = f.Name
		}
		c := object{"description": f.Doc, "allOf": []any{ref(condition)}}
		for _, name := range append(f.Rsyslog, f.Name) {
			properties[name] = c
		}
	}
	return object{
		"values":    object{"anyOf": []any{value, listOf(value)}},
		"condition": condition(operators, nil),
		"facility":  condition(operators, syslog.Facilities),
		"severity":  condition(severity, syslog.Severities),
		"match": object{
			"type": "object", "properties": properties, "additionalProperties": false, "minProperties": 1,
			"patternProperties": object{`^(sd|record)\.|^x-`: object{}},
		},
	}
}

// condition is a value, a list of values or a mapping of operators; words are proposed as values.
func condition(operators object, words []string) object {
	choices := []any{ref("values"), object{"type": "object", "properties": operators, "additionalProperties": false}}
	if words != nil {
		choices = append(choices, object{"enum": words})
	}
	return object{"anyOf": choices}
}

func ref(name string) object { return object{"$ref": "#/definitions/" + name} }

func listOf(item object) object { return object{"type": "array", "items": item} }

// either is a text or one of some mappings.
func either(mappings ...object) object {
	choices := []any{object{"type": "string"}}
	for _, m := range mappings {
		choices = append(choices, m)
	}
	return object{"anyOf": choices}
}

// structSchema is what the decoder takes for a struct.
func structSchema(t reflect.Type) object {
	properties := object{}
	addFields(properties, t)
	return object{"type": "object", "properties": properties, "additionalProperties": false, "patternProperties": object{"^x-": object{}}}
}

func addFields(properties object, t reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case options == "inline":
			addFields(properties, f.Type)
		case name == "":
		case options == "list":
			item := typeSchema(f.Type.Elem())
			properties[name] = object{"anyOf": []any{item, listOf(item)}}
		case options == "size":
			properties[name] = object{"type": []string{"string", "integer"}}
		default:
			properties[name] = typeSchema(f.Type)
		}
	}
}

type unmarshaler interface{ UnmarshalText([]byte) error }

func typeSchema(t reflect.Type) object {
	if t == reflect.TypeFor[tlsVersion]() { // a number to YAML
		return object{"enum": []any{1.2, 1.3, "1.2", "1.3"}}
	}
	switch t {
	case reflect.TypeFor[writer.Period](): // a word or a duration
		return object{"type": "string"}
	case reflect.TypeFor[writer.Keep](): // a number, an age or a word
		return object{"type": []string{"string", "integer"}}
	}
	if v, ok := reflect.New(t).Interface().(unmarshaler); ok {
		var words interface{ Valid() []string }
		if words, ok = v.UnmarshalText([]byte("\x00")).(interface{ Valid() []string }); ok {
			return object{"enum": words.Valid()}
		}
		return object{"type": "string"}
	}
	switch {
	case t == reflect.TypeFor[*yaml.Node]():
		return object{}
	case t.String() == "time.Duration", t.String() == "fs.FileMode", t.String() == "*time.Location":
		return object{"type": []string{"string", "integer"}}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return typeSchema(t.Elem())
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Struct:
		return structSchema(t)
	case reflect.Slice:
		return listOf(typeSchema(t.Elem()))
	case reflect.Map:
		return object{"type": "object", "additionalProperties": typeSchema(t.Elem())}
	case reflect.String:
		return object{"type": []string{"string", "number"}}
	case reflect.Interface:
		return object{}
	}
	return object{"type": "integer"}
}
