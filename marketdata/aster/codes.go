package aster

import "net/http"

// kindOfCode classifies the venue's codes; empty: the code says nothing, so
// that the status has to. After KindServer a write may have been done all the
// same.
func kindOfCode(code int) Kind {
	switch code {
	case -1000, -1001, -1006, -1007:
		return KindServer
	case -1003, -1015:
		return KindRateLimit
	case -1002, -1022, -2014, -2015:
		return KindAuth
	case -1011, -4087, -4088:
		return KindPermission
	case -5050:
		return KindDeposit
	case -1021, -4225:
		return KindClock
	case -1121:
		return KindUnknownSymbol
	case -1111, -4001, -4002, -4003, -4004, -4005, -4006, -4007, -4013, -4014, -4016, -4023, -4024, -4164, -4183, -4184:
		return KindFilter
	case -2018, -2019, -2023, -2027, -2028, -4050, -4051:
		return KindMargin
	case -2010, -2011, -2013, -2020, -2021, -2022, -2024, -2025, -2026, -4045, -4082, -4083, -4118, -4131, -4135, -4142:
		return KindOrder
	}
	if code < 0 && code > -10_000 && known(code) {
		return KindInvalid
	}
	return ""
}

// known tells the ranges in which every code is about the request itself.
func known(code int) bool {
	return code <= -1010 && code >= -1199 || code <= -2000 && code >= -2099 || code <= -4000 && code >= -5999
}

// kindOfStatus classifies an answer that has no code, or none that says more.
func kindOfStatus(status int) Kind {
	switch status {
	case http.StatusUnauthorized:
		return KindAuth
	case http.StatusForbidden:
		return KindBlocked
	case http.StatusTooManyRequests:
		return KindRateLimit
	case http.StatusTeapot:
		return KindBanned
	case http.StatusRequestTimeout:
		return KindServer
	}
	switch {
	case status >= 500:
		return KindServer
	case status >= 300 && status < 400:
		return KindBlocked
	}
	return KindInvalid
}

// decides tells the statuses that say more than any code beside them.
func decides(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTeapot || status == http.StatusTooManyRequests || status >= 500
}

func outcomeOfStatus(status int) outcome {
	if status >= 500 {
		return attemptFailed
	}
	return attemptAnswered
}
