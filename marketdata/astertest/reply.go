package astertest

import (
	"fmt"
	"net/http"

	"github.com/ballast-go/ballast/internal/jsonx"
)

// object is a JSON object. Decimals in it are numbers; what the venue sends as
// a string is put in as a string.
type object = map[string]any

// raw is an answer that is JSON already.
type raw []byte

// apiError is an answer that is not a success.
type apiError struct {
	status, code int
	message      string
	retryAfter   int // seconds; 0: not sent
}

func (e *apiError) Error() string { return fmt.Sprintf("astertest: %d: %s", e.code, e.message) }

func (e *apiError) object() object { return object{"code": e.code, "msg": e.message} }

func fail(code int, format string, args ...any) *apiError {
	return &apiError{status: http.StatusBadRequest, code: code, message: fmt.Sprintf(format, args...)}
}

// The venue's refusals that have more than one cause.
func errMandatory(name string) *apiError {
	return fail(-1102, "Mandatory parameter '%s' was not sent, was empty/null, or malformed.", name)
}
func errSymbol() *apiError     { return fail(-1121, "Invalid symbol.") }
func errSignature() *apiError  { return fail(-1022, "Signature for this request is not valid.") }
func errNoOrder() *apiError    { return fail(-2013, "Order does not exist.") }
func errMargin() *apiError     { return fail(-2019, "Margin is insufficient.") }
func errReduceOnly() *apiError { return fail(-2022, "ReduceOnly Order is rejected.") }
func errPositionSide() *apiError {
	return fail(-4061, "Order's position side does not match user's setting.")
}

func errPermission() *apiError {
	return &apiError{status: http.StatusUnauthorized, code: -2015, message: "Invalid API-key, IP, or permissions for action."}
}

func success() object { return object{"code": 200, "msg": "success"} }

// encode is v as JSON. What this package encodes always can be.
func encode(v any) []byte {
	if text, ok := v.(raw); ok {
		return text
	}
	data, err := jsonx.Marshal(v)
	if err != nil {
		panic("astertest: cannot encode an answer: " + err.Error())
	}
	return data
}
