package astertest

import (
	"math"
	"slices"

	"github.com/ballast-go/ballast/internal/jsonx"
)

// command carries out what a client has sent and is the answer.
func (c *connection) command(text []byte) []byte {
	var raw map[string]any
	if jsonx.Unmarshal(text, &raw) != nil {
		return invalid(3, "Invalid JSON: expected value")
	}
	id, isNumber := raw["id"].(float64)
	if !isNumber || id < 0 || id != math.Trunc(id) || id > 1<<53 {
		return invalid(2, "Invalid request: request ID must be an unsigned integer")
	}
	for name := range raw {
		if name != "id" && name != "method" && name != "params" {
			return invalid(2, "Invalid request: unknown field")
		}
	}
	number := int64(id)
	params, isArray := raw["params"].([]any)
	if raw["params"] != nil && !isArray {
		return invalid(2, "Invalid request: params must be an array")
	}
	switch raw["method"] {
	case "SUBSCRIBE", "UNSUBSCRIBE":
		names, ok := texts(params)
		if !ok || len(names) == 0 {
			return invalid(2, "Invalid request: params must be an array of stream names")
		}
		return c.subscribe(number, names, raw["method"] == "SUBSCRIBE")
	case "LIST_SUBSCRIPTIONS":
		return encode(object{"result": append([]string{}, c.topics...), "id": number})
	case "GET_PROPERTY", "SET_PROPERTY":
		return c.property(number, params, raw["method"] == "SET_PROPERTY")
	}
	return invalid(2, "Invalid request: unknown variant")
}

func (c *connection) subscribe(id int64, names []string, on bool) []byte {
	for _, name := range names {
		at := slices.Index(c.topics, name)
		switch {
		case on && at < 0:
			c.topics = append(c.topics, name)
		case !on && at >= 0:
			c.topics = slices.Delete(c.topics, at, at+1)
		}
	}
	if len(c.topics) > maxTopics {
		c.topics = c.topics[:maxTopics]
		return invalid(2, "Invalid request: too many streams")
	}
	return encode(object{"result": nil, "id": id})
}

func (c *connection) property(id int64, params []any, set bool) []byte {
	if len(params) == 0 || params[0] != "combined" {
		return invalid(0, "Unknown property")
	}
	if !set {
		return encode(object{"result": c.combined, "id": id})
	}
	if len(params) != 2 {
		return invalid(2, "Invalid request: expected a value")
	}
	on, isBool := params[1].(bool)
	if !isBool {
		return invalid(1, "Invalid value type: expected Boolean")
	}
	c.combined = on
	return encode(object{"result": nil, "id": id})
}

func texts(params []any) ([]string, bool) {
	names := make([]string, len(params))
	for i, p := range params {
		name, ok := p.(string)
		if !ok || name == "" || len(name) > 100 {
			return nil, false
		}
		names[i] = name
	}
	return names, true
}

func invalid(code int, message string) []byte { return encode(object{"code": code, "msg": message}) }
