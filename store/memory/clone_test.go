package memory_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/store/memory"
)

// A field that is added to a record and can be changed must be copied too.
func TestNoMutablePartOfARecordIsShared(t *testing.T) {
	t.Parallel()
	var r decision.Record
	fillValue(reflect.ValueOf(&r).Elem())
	r.Result.ID, r.Input.Account.ID = "r", "a"
	r.Request.Schema.JSON[0] = '1' // what is not JSON has no digest
	s := memory.New()
	require.NoError(t, s.Append(t.Context(), r))
	first, err := s.Record(t.Context(), "r")
	require.NoError(t, err)
	second, err := s.Record(t.Context(), "r")
	require.NoError(t, err)
	requireApart(t, "returned", reflect.ValueOf(first), reflect.ValueOf(second))
	r.Input.Market, first.Input.Market = marketdata.Snapshot{}, marketdata.Snapshot{} // read-only to everybody
	r.Input.Indicators, first.Input.Indicators = nil, nil                             // read-only to everybody
	requireApart(t, "appended", reflect.ValueOf(r), reflect.ValueOf(first))
}

// immutable reports types that records may share.
func immutable(t reflect.Type) bool {
	return t == reflect.TypeFor[decimal.Decimal]() || t == reflect.TypeFor[time.Time]() ||
		t == reflect.TypeFor[marketdata.Series]() || t.Kind() == reflect.Interface
}

// fillValue gives every slice and map one element and every pointer a target.
func fillValue(v reflect.Value) {
	if immutable(v.Type()) {
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fillValue(v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillValue(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fillValue(v.Index(0))
	case reflect.Map:
		element := reflect.New(v.Type().Elem()).Elem()
		fillValue(element)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.Zero(v.Type().Key()), element)
	default:
	}
}

func requireApart(t *testing.T, path string, a, b reflect.Value) {
	t.Helper()
	if immutable(a.Type()) {
		return
	}
	switch a.Kind() {
	case reflect.Struct:
		for i := range a.NumField() {
			requireApart(t, path+"."+a.Type().Field(i).Name, a.Field(i), b.Field(i))
		}
	case reflect.Pointer:
		require.NotEqual(t, a.Pointer(), b.Pointer(), path)
		requireApart(t, path, a.Elem(), b.Elem())
	case reflect.Slice:
		if a.IsNil() {
			return
		}
		require.Equal(t, 1, b.Len(), path)
		require.NotEqual(t, a.Pointer(), b.Pointer(), path)
		requireApart(t, path+"[0]", a.Index(0), b.Index(0))
	case reflect.Map:
		if a.IsNil() {
			return
		}
		require.Equal(t, 1, b.Len(), path)
		require.NotEqual(t, a.Pointer(), b.Pointer(), path)
		key := a.MapKeys()[0]
		requireApart(t, path+"[…]", a.MapIndex(key), b.MapIndex(key))
	default:
	}
}
