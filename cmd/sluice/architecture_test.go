package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// longestPage is how many lines a newcomer reads at one sitting.
const longestPage = 120

var (
	quoted     = regexp.MustCompile("`([^`\n]+)`")
	pathLike   = regexp.MustCompile(`^[\w.-]+(/[\w.-]+)*$`)
	identifier = regexp.MustCompile(`^\w+(\.\w+)*$`)
	goTest     = regexp.MustCompile(`^go test (?:-race )?(\./\S+)(?: -run (\S+?)(?:/(\S+))?)?(?: -update)?$`)
)

// TestArchitecture holds ARCHITECTURE.md to the code: what is in back quotes is a file or folder, a declared name, a target
// of make, a command of sluice or a go test that runs something.
func TestArchitecture(t *testing.T) {
	page, err := os.ReadFile("../../ARCHITECTURE.md")
	fatal(t, err)
	if n := strings.Count(string(page), "\n"); n > longestPage {
		t.Errorf("%d lines, more than %d", n, longestPage)
	}
	makefile, err := os.ReadFile("../../Makefile")
	fatal(t, err)
	declared := declarations(t, "../..")
	prose := regexp.MustCompile("(?s)```.*?```").ReplaceAllString(string(page), "")
	for _, m := range quoted.FindAllStringSubmatch(prose, -1) {
		switch word := m[1]; {
		case strings.HasPrefix(word, "make "):
			if !regexp.MustCompile(`(?m)^` + word[len("make "):] + `:`).Match(makefile) {
				t.Errorf("Makefile has no %s", word)
			}
		case strings.HasPrefix(word, "sluice "):
			if cmd, _, err := newRootCommand().Find(strings.Fields(word)[1:]); err != nil || !cmd.HasParent() {
				t.Errorf("%s: no such command", word)
			}
		case strings.HasPrefix(word, "go test "):
			checkGoTest(t, word)
		case declared[word], identifier.MatchString(word) && regexp.MustCompile(`(?m)^`+word+` *=`).Match(makefile):
		case foreign[word]:
		case pathLike.MatchString(word):
			if _, err := os.Stat(filepath.Join("../..", word)); err != nil {
				t.Errorf("%s is neither declared nor there", word)
			}
		default:
			t.Errorf("`%s`: what is that?", word)
		}
	}
	for room := range mayImport {
		if folder := strings.TrimPrefix(room, "sluice/"); !strings.Contains(prose, "| `"+folder+"` |") {
			t.Errorf("the rooms lack %s", folder)
		}
	}
	for _, m := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(prose, -1) {
		if _, err := os.Stat(filepath.Join("../..", m[1])); err != nil {
			t.Error(err)
		}
	}
}

// foreign are words of others that the page uses.
var foreign = map[string]bool{"file:line:column": true, "cobra.Command": true, "yaml": true, "Alloc": true, "_command.go": true}

// checkGoTest looks for the folder, the test and the script that a command names.
func checkGoTest(t *testing.T, command string) {
	m := goTest.FindStringSubmatch(command)
	if m == nil {
		t.Errorf("%s: not understood", command)
		return
	}
	tests, _ := filepath.Glob(filepath.Join("../..", m[1], "*_test.go"))
	var all []byte
	for _, file := range tests {
		src, err := os.ReadFile(file)
		fatal(t, err)
		all = append(all, src...)
	}
	if !regexp.MustCompile(`(?m)^func Test\w*` + m[2]).Match(all) {
		t.Errorf("%s: runs nothing", command)
	}
	if m[3] != "" {
		_, err := os.Stat(filepath.Join("testdata/script", m[3]+".txtar"))
		fatal(t, err)
	}
}

// declarations are the names that the module declares: Name, package.Name, package.Type.Member, and Member alone.
func declarations(t *testing.T, root string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	fatal(t, filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		add := func(parts ...string) {
			for i := range parts {
				names[strings.Join(parts[i:], ".")] = true
			}
		}
		for _, decl := range f.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				if decl.Recv == nil {
					add(f.Name.Name, decl.Name.Name)
				} else {
					add(f.Name.Name, receiver(decl.Recv.List[0].Type), decl.Name.Name)
				}
			case *ast.GenDecl:
				for _, spec := range decl.Specs {
					switch spec := spec.(type) {
					case *ast.ValueSpec:
						for _, n := range spec.Names {
							add(f.Name.Name, n.Name)
						}
					case *ast.TypeSpec:
						add(f.Name.Name, spec.Name.Name)
						for _, member := range members(spec.Type) {
							add(f.Name.Name, spec.Name.Name, member)
						}
					}
				}
			}
		}
		return nil
	}))
	return names
}

// receiver is the name of a receiver's type, without its pointer and parameters.
func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// members are the fields of a struct and the methods of an interface.
func members(e ast.Expr) (names []string) {
	var list *ast.FieldList
	switch e := e.(type) {
	case *ast.StructType:
		list = e.Fields
	case *ast.InterfaceType:
		list = e.Methods
	default:
		return nil
	}
	for _, f := range list.List {
		for _, n := range f.Names {
			names = append(names, n.Name)
		}
	}
	return names
}
