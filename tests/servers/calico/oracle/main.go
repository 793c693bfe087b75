// Calico's own judgement on selectors and resources, for tests that hold ours against it.
// One JSON request per line of stdin, one JSON answer per line of stdout, in the same order; it ends with stdin.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"

	api "github.com/projectcalico/api/pkg/apis/projectcalico/v3"
	"github.com/projectcalico/calico/libcalico-go/lib/selector"
	validator "github.com/projectcalico/calico/libcalico-go/lib/validator/v3"
	"github.com/sirupsen/logrus"
)

type request struct {
	Op       string              `json:"op"`
	Selector string              `json:"selector"`
	Labels   []map[string]string `json:"labels"`
	Kind     string              `json:"kind"`
	Object   json.RawMessage     `json:"object"`
}

// An answer without `matches` is one about a resource, or about a selector that does not parse.
type answer struct {
	Valid     bool   `json:"valid"`
	Canonical string `json:"canonical"`
	Matches   []bool `json:"matches"`
	Error     string `json:"error"`
}

var kinds = map[string]func() any{
	"GlobalNetworkPolicy":          func() any { return api.NewGlobalNetworkPolicy() },
	"NetworkPolicy":                func() any { return api.NewNetworkPolicy() },
	"GlobalNetworkSet":             func() any { return api.NewGlobalNetworkSet() },
	"NetworkSet":                   func() any { return api.NewNetworkSet() },
	"HostEndpoint":                 func() any { return api.NewHostEndpoint() },
	"IPPool":                       func() any { return api.NewIPPool() },
	"BGPConfiguration":             func() any { return api.NewBGPConfiguration() },
	"BGPPeer":                      func() any { return api.NewBGPPeer() },
	"FelixConfiguration":           func() any { return api.NewFelixConfiguration() },
	"Profile":                      func() any { return api.NewProfile() },
	"ClusterInformation":           func() any { return api.NewClusterInformation() },
	"KubeControllersConfiguration": func() any { return api.NewKubeControllersConfiguration() },
}

func refuse(err error) answer {
	return answer{Matches: []bool{}, Error: err.Error()}
}

func judgeSelector(r request) answer {
	parsed, err := selector.Parse(r.Selector)
	if err != nil {
		return refuse(err)
	}
	a := answer{Valid: true, Canonical: parsed.String(), Matches: []bool{}}
	for _, labels := range r.Labels {
		a.Matches = append(a.Matches, parsed.Evaluate(labels))
	}
	return a
}

func judgeObject(r request) (a answer) {
	// The validator casts errors of its struct walker without looking, so a nil part in an object can end in a panic;
	// that is a refusal too, and must not take the other answers with it.
	defer func() {
		if p := recover(); p != nil {
			a = refuse(fmt.Errorf("panic: %v", p))
		}
	}()
	object := kinds[r.Kind]()
	if err := json.Unmarshal(r.Object, object); err != nil {
		return refuse(err)
	}
	if err := validator.Validate(object); err != nil {
		return refuse(err)
	}
	return answer{Valid: true, Matches: []bool{}}
}

func judge(line []byte) (answer, error) {
	var r request
	if err := json.Unmarshal(line, &r); err != nil {
		return answer{}, fmt.Errorf("not a request: %w", err)
	}
	switch r.Op {
	case "selector":
		return judgeSelector(r), nil
	case "validate":
		if kinds[r.Kind] == nil {
			return answer{}, fmt.Errorf("unknown kind %q", r.Kind)
		}
		return judgeObject(r), nil
	}
	return answer{}, fmt.Errorf("unknown op %q", r.Op)
}

func run(in io.Reader, out io.Writer) error {
	lines := bufio.NewReader(in)
	answers := json.NewEncoder(out)
	for {
		line, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			a, err := judge(line)
			if err != nil {
				return err
			}
			if err := answers.Encode(a); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func main() {
	// Calico's libraries log to stdout unless told otherwise.
	logrus.SetOutput(io.Discard)
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(1)
	}
}
