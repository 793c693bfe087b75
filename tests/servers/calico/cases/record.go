// Writes down what Calico's validator is asked by Calico's own tests. It takes part only in the build of those tests, as a
// file of their package, where the validator's own entry goes by another name.
package v3

import (
	"encoding/json"
	"fmt"
	"os"
)

type recorded struct {
	Type       string `json:"type"`
	Input      any    `json:"input"`
	Valid      bool   `json:"valid"`
	Unwritable bool   `json:"unwritable"`
}

// Validate judges as Calico does, and appends the question and the answer to the file that RECORDED_CASES names.
func Validate(current interface{}) error {
	err := validateUnrecorded(current)
	kind := fmt.Sprintf("%T", current)
	line, failed := json.Marshal(recorded{Type: kind, Input: current, Valid: err == nil})
	// What cannot be written as JSON is nothing that a file or an API server could hold; it is only counted.
	if failed != nil {
		line, _ = json.Marshal(recorded{Type: kind, Valid: err == nil, Unwritable: true})
	}
	file, failed := os.OpenFile(os.Getenv("RECORDED_CASES"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if failed != nil {
		panic(failed)
	}
	defer file.Close()
	if _, failed := file.Write(append(line, '\n')); failed != nil {
		panic(failed)
	}
	return err
}
