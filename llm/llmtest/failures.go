package llmtest

import (
	"fmt"
	"net/http"
)

// Status is an error of OpenRouter's plain form.
func Status(status int, message string) Step {
	return failure(status, encode(object{"error": object{"code": status, "message": message}}))
}

// RateLimited is a 429; retryAfter is the header's value, or empty for none.
func RateLimited(retryAfter string) Step {
	step := failure(http.StatusTooManyRequests,
		`{"error":{"code":429,"message":"Rate limit exceeded","metadata":{"error_type":"rate_limit_exceeded","provider_code":"rate_limited"}}}`)
	if retryAfter != "" {
		step.Header = http.Header{"Retry-After": {retryAfter}}
	}
	return step
}

// CapacityExhausted is a 429 that says in its body, in seconds, when to return.
func CapacityExhausted(retryAfter int) Step {
	return failure(http.StatusTooManyRequests, fmt.Sprintf(`{"error":{"message":"All providers for x/y are at capacity.","error_type":"rate_limit_exceeded",`+
		`"http_status":429,"availability":{"code":"capacity_exhausted","retryable":true,"retry_after":%d}}}`, retryAfter))
}

// Error200A is an upstream's rate limit inside a 200, without choices.
func Error200A() Step {
	return failure(http.StatusOK, `{"error":{"message":"Provider returned error","code":429,`+
		`"metadata":{"raw":"Too Many Requests","provider_name":"Hyperbolic"}},"user_id":"user_x"}`)
}

// Error200B is an error inside a 200 beside null choices.
func Error200B() Step {
	return failure(http.StatusOK, `{"id":null,"choices":null,"error":{"message":"Provider returned error","code":502}}`)
}

// Error200C is an error inside the choice of a 200, after part of an answer.
func Error200C() Step {
	return failure(http.StatusOK, `{"id":"gen-1","model":"test/model","choices":[{"index":0,"finish_reason":"error","message":`+
		`{"role":"assistant","content":"{\"decisions\":[{\"asset\":\"BTCUSDT\",\"action\":\"buy\""},`+
		`"error":{"code":502,"message":"Provider disconnected mid-stream","metadata":{"error_type":"provider_unavailable"}}}]}`)
}

// InvalidModel is a 400 for a model that does not exist.
func InvalidModel() Step {
	return failure(http.StatusBadRequest, `{"error":{"message":"acme/none is not a valid model ID","error_type":"invalid_request","http_status":400,`+
		`"availability":{"code":"model_not_found","retryable":false,"requested_models":["acme/none"]}}}`)
}

// UnsupportedTemperature is a 400 of a model that takes no temperature.
func UnsupportedTemperature() Step {
	return failure(http.StatusBadRequest, `{"error":{"message":"Unsupported value: 'temperature' must be 1 with this model.",`+
		`"type":"invalid_request_error","param":"temperature","code":"unsupported_value"}}`)
}

// ContextLength is a 400 for a prompt that is too long.
func ContextLength() Step {
	return failure(http.StatusBadRequest, `{"error":{"code":400,"message":"The prompt is longer than the context of 8191 tokens",`+
		`"metadata":{"error_type":"context_length_exceeded"}}}`)
}

// Unauthorized is a 401.
func Unauthorized() Step { return Status(http.StatusUnauthorized, "No auth credentials found") }

// PaymentRequired is a 402.
func PaymentRequired() Step { return Status(http.StatusPaymentRequired, "Insufficient credits") }

// PaymentRequiredText is a 402 whose error is a string, as NanoGPT sends it.
func PaymentRequiredText() Step {
	return failure(http.StatusPaymentRequired, `{"error":"Insufficient balance","status":402}`)
}

// Moderation is a 403 that quotes the input in its metadata.
func Moderation() Step {
	return failure(http.StatusForbidden, `{"error":{"code":403,"message":"Input flagged","metadata":{"reasons":["violence"],`+
		`"flagged_input":"flagged words","provider_name":"OpenAI","model_slug":"openai/gpt-4"}}}`)
}

// Guardrail is a 403 of a filter against prompt injection.
func Guardrail() Step {
	return failure(http.StatusForbidden, `{"error":{"code":403,"message":"Request blocked: prompt injection patterns detected",`+
		`"metadata":{"patterns":["ignore all previous instructions"]}}}`)
}

// ConstraintFiltered is a 404: no provider of the model honours the request.
func ConstraintFiltered() Step {
	return failure(http.StatusNotFound, `{"error":{"code":404,"message":"No endpoints found that can handle the requested parameters.",`+
		`"availability":{"code":"constraint_filtered","retryable":false}}}`)
}

// UnsupportedFormat is a 400 of an endpoint that does not take the
// response_format.
func UnsupportedFormat() Step {
	return failure(http.StatusBadRequest, `{"error":{"message":"This model takes no such value.",`+
		`"type":"invalid_request_error","param":"response_format.type","code":"unsupported_value"}}`)
}

// RequestTimeout is a 408.
func RequestTimeout() Step { return Status(http.StatusRequestTimeout, "Request timed out") }

// PayloadTooLarge is a 413.
func PayloadTooLarge() Step { return Status(http.StatusRequestEntityTooLarge, "Request too large") }

// ServerError is a 500 that says nothing.
func ServerError() Step {
	return failure(http.StatusInternalServerError, `{"error":{"code":500,"message":"Internal Server Error","metadata":{"error_type":"server"}}}`)
}

// BadGateway is a 502 in JSON.
func BadGateway() Step { return Status(http.StatusBadGateway, "Provider returned error") }

// HTML502 is a 502 as a page of the network in between.
func HTML502() Step {
	step := failure(http.StatusBadGateway, "<!DOCTYPE html>\n<html><head><title>example.org | 502: Bad gateway</title></head><body>Bad gateway</body></html>")
	step.Header = html()
	return step
}

// Unavailable is a 503 without a body.
func Unavailable() Step { return Step{Name: "503", Status: http.StatusServiceUnavailable} }

// EdgeTimeout is a 524, the timeout of the network in between.
func EdgeTimeout() Step { return failure(524, `{"error":"timeout"}`) }

// Overloaded is a 529.
func Overloaded() Step { return Status(529, "Provider overloaded") }

// LoginPage is a 200 with the page of a portal that wants a login.
func LoginPage() Step {
	step := failure(http.StatusOK, "<html><head><title>Log in</title></head><body><form></form></body></html>")
	step.Header = html()
	return step
}

// Redirect is a 307, which would send the prompt to target.
func Redirect(target string) Step {
	return Step{Name: "redirect", Status: http.StatusTemporaryRedirect, Header: http.Header{"Location": {target}}}
}

func failure(status int, body string) Step {
	return Step{Name: fmt.Sprintf("%d", status), Status: status, Pieces: []string{body}}
}

func html() http.Header { return http.Header{"Content-Type": {"text/html; charset=utf-8"}} }
