// Prints every field of a pod's metadata and of PodSpec, with all that they hold, as the API types of the main module's
// k8s.io/api have them: type, then field, then what the field holds. It lies beside the modules and belongs to none, so
// that each of them can run it as it is: in the directory of a go.mod, `go run ../../pod-fields/main.go`.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"runtime/debug"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

type fields map[string]string

var (
	types    = map[string]fields{}
	packages = map[string]string{}
	ownJSON  = reflect.TypeFor[json.Marshaler]()
)

// describe says what a field of this type holds, and walks into structs. A type that writes its own JSON is a plain value.
func describe(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		return describe(t.Elem())
	}
	if t.Implements(ownJSON) || reflect.PointerTo(t).Implements(ownJSON) {
		return t.Name()
	}
	switch t.Kind() {
	case reflect.Struct:
		walk(t)
		return t.Name()
	case reflect.Slice:
		return "[]" + describe(t.Elem())
	case reflect.Map:
		return "map[" + describe(t.Key()) + "]" + describe(t.Elem())
	case reflect.Bool:
		return "boolean"
	case reflect.Int, reflect.Int32, reflect.Int64:
		return "integer"
	case reflect.String:
		return "string"
	}
	panic(fmt.Sprintf("%s holds %s, which no field of a pod held so far", t, t.Kind()))
}

// walk visits each type once, so a type that holds itself does no harm.
func walk(t reflect.Type) {
	name, from := t.Name(), t.PkgPath()
	if known, walked := packages[name]; walked {
		if known != from {
			panic(fmt.Sprintf("%s is a type of %s and of %s", name, known, from))
		}
		return
	}
	packages[name] = from
	types[name] = fields{}
	collect(t, types[name])
}

func collect(t reflect.Type, into fields) {
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous && (name == "" || strings.Contains(options, "inline")) {
			collect(field.Type, into)
		} else if name != "" && name != "-" {
			into[name] = describe(field.Type)
		}
	}
}

func moduleVersion(path string) string {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == path {
			if module.Replace != nil {
				module = module.Replace
			}
			return module.Version
		}
	}
	panic("built without " + path)
}

func main() {
	walk(reflect.TypeFor[metav1.ObjectMeta]())
	walk(reflect.TypeFor[corev1.PodSpec]())
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(map[string]any{"k8s.io/api": moduleVersion("k8s.io/api"), "types": types}); err != nil {
		panic(err)
	}
}
