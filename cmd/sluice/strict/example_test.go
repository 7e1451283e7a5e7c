package strict_test

import (
	"fmt"

	"gopkg.in/yaml.v3"

	"sluice/cmd/sluice/strict"
)

// Control is written as a path, or as a mapping with a path in it.
type Control struct {
	Path  string `yaml:"path"`
	Group string `yaml:"group"`
}

func (c *Control) DecodeYAML(d *strict.Decoder, n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		d.Decode(n, &c.Path)
		return
	}
	type plain Control // without this method
	if d.Decode(n, (*plain)(c)) && c.Path == "" {
		d.Errorf(n, "control needs a path")
	}
}

func Example() {
	config := struct {
		Control Control  `yaml:"control"`
		Workers int      `yaml:"workers"`
		Include []string `yaml:"include,list"`
	}{Workers: 1}

	d := strict.NewDecoder()
	if doc := d.Parse("sluice.yaml", []byte("control: {grop: adm}\nworkers: two\ninclude: conf.d/*.yaml\n")); doc != nil {
		d.Decode(doc.Root, &config)
	}
	fmt.Println(d.Errors().Err())
	fmt.Println(config.Workers, config.Include)
	// Output:
	// sluice.yaml:1:11: unknown key "grop" (did you mean group?)
	// sluice.yaml:2:10: workers: want a number, have "two"
	// 1 [conf.d/*.yaml]
}
