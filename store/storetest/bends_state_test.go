package storetest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/store"
	"github.com/ballast-go/ballast/store/storetest"
)

func bentAccounts() []bend {
	const part = "accounts"
	listed := func(change func(a *store.Account)) bent {
		return bent{accounts: func(all []store.Account) []store.Account {
			for i := range all {
				change(&all[i])
			}
			return all
		}}
	}
	return []bend{
		{"numbers from zero", part, "accounts are numbered as they appear", listed(func(a *store.Account) { a.Number-- })},
		{"adds a second", part, "accounts are numbered as they appear", bent{addAccount: func(ctx context.Context, s storetest.Full, id string) (store.Account, error) {
			if _, err := s.Account(ctx, 0, id); err == nil {
				id += "'"
			}
			return s.AddAccount(ctx, id)
		}}},
		{"renames what it adds", part, "an account is found by number or id", bent{addAccount: func(ctx context.Context, s storetest.Full, id string) (store.Account, error) {
			return s.AddAccount(ctx, strings.ToUpper(id))
		}}},
		{"counts no decisions", part, "accounts count their decisions", listed(func(a *store.Account) { a.Decisions = 0 })},
		{"ends ids at a NUL", part, "account ids keep every character", bent{addAccount: func(ctx context.Context, s storetest.Full, id string) (store.Account, error) {
			id, _, _ = strings.Cut(id, "\x00")
			return s.AddAccount(ctx, id)
		}}},
		{"takes long ids", part, "an invalid account id is refused", bent{addAccount: func(ctx context.Context, s storetest.Full, id string) (store.Account, error) {
			return s.AddAccount(ctx, id[:min(len(id), 100)])
		}}},
		{"hides empty chains", part, "an added account has an empty chain", bent{heads: func(all []store.Checkpoint) []store.Checkpoint {
			return slices.DeleteFunc(all, func(c store.Checkpoint) bool { return c.Seq == 0 })
		}}},
		{"gives accounts one number", part, "one account from many writers is one", listed(func(a *store.Account) { a.Number = 7 })},
		{"adds without regard to the context", part, "an ended context adds no account", bent{addAccount: func(ctx context.Context, s storetest.Full, id string) (store.Account, error) {
			return s.AddAccount(always(ctx), id)
		}}},
	}
}

func bentStrategies() []bend {
	const part, assignments = "strategies", "assignments"
	newest := bent{strategy: func(ctx context.Context, s storetest.Full, id, _ string) (store.SavedStrategy, error) {
		return s.Strategy(ctx, id, "")
	}}
	assigning := func(change func(a *store.Assignment)) bent {
		return bent{assign: func(ctx context.Context, s storetest.Full, a store.Assignment) (store.Assignment, error) {
			change(&a)
			return s.Assign(ctx, a)
		}}
	}
	return []bend{
		{"saves another text", part, "a version reads back equal", bent{saved: func(ctx context.Context, s storetest.Full, v decision.Strategy, at time.Time) (string, error) {
			v.Description = strings.TrimSpace(v.Description)
			return s.SaveStrategy(ctx, v, at)
		}}},
		{"knows the newest alone", part, "no version is overwritten", newest},
		{"ignores what it has", part, "saving again makes a version the newest", bent{saved: func(ctx context.Context, s storetest.Full, v decision.Strategy, at time.Time) (string, error) {
			if hash, err := v.Hash(); err == nil {
				if _, err := s.Strategy(ctx, v.ID, hash); err == nil {
					return hash, nil
				}
			}
			return s.SaveStrategy(ctx, v, at)
		}}},
		{"finds the newest for any hash", part, "an unknown strategy or version is not found", newest},
		{"makes up a time", part, "an invalid strategy is refused", bent{saved: func(ctx context.Context, s storetest.Full, v decision.Strategy, _ time.Time) (string, error) {
			return s.SaveStrategy(ctx, v, start())
		}}},
		{"saves without regard to the context", part, "an ended context saves no strategy", bent{saved: func(ctx context.Context, s storetest.Full, v decision.Strategy, at time.Time) (string, error) {
			return s.SaveStrategy(always(ctx), v, at)
		}}},
		{"forgets who assigned", assignments, "the last assignment is the active one", assigning(func(a *store.Assignment) { a.By = "" })},
		{"says nothing of the one before", assignments, "the last assignment is the active one", bent{assign: func(ctx context.Context, s storetest.Full, a store.Assignment) (store.Assignment, error) {
			_, err := s.Assign(ctx, a)
			return store.Assignment{}, err
		}}},
		{"folds accounts", assignments, "assignments of accounts are apart and make them", assigning(func(a *store.Assignment) { a.AccountID = strings.ToLower(a.AccountID) })},
		{"keeps milliseconds of assignments", assignments, "an assignment keeps its microseconds in UTC", assigning(func(a *store.Assignment) { a.At = a.At.Truncate(time.Millisecond) })},
		{"assigns what is not valid", assignments, "an invalid assignment is refused", assigning(func(a *store.Assignment) { a.By = strings.ToValidUTF8(a.By, "") })},
		{"replaces one twice", assignments, "assignments from many writers leave one active", bent{assign: func(ctx context.Context, s storetest.Full, a store.Assignment) (store.Assignment, error) {
			previous, err := s.Assigned(ctx, a.AccountID)
			if errors.Is(err, store.ErrNotFound) {
				err = nil
			}
			<-time.After(time.Millisecond) // in which the others assign
			_, failed := s.Assign(ctx, a)
			return previous, errors.Join(err, failed)
		}}},
		{"assigns without regard to the context", assignments, "an ended context assigns nothing", bent{assign: func(ctx context.Context, s storetest.Full, a store.Assignment) (store.Assignment, error) {
			return s.Assign(always(ctx), a)
		}}},
	}
}

func bentState() []bend {
	const breakers, candles = "breakers", "candles"
	saving := func(change func(b *store.BreakerState)) bent {
		return bent{saveBreaker: func(ctx context.Context, s storetest.Full, b store.BreakerState) error {
			change(&b)
			return s.SaveBreaker(ctx, b)
		}}
	}
	return []bend{
		{"compacts states", breakers, "states read back byte for byte, by name", saving(func(b *store.BreakerState) { b.State = []byte(strings.TrimSpace(string(b.State))) })},
		{"keeps the last state", breakers, "the state that was saved later stays", saving(func(b *store.BreakerState) { b.SavedAt = start() })},
		{"repairs names", breakers, "an invalid state is refused", saving(func(b *store.BreakerState) { b.Name = strings.ToValidUTF8(b.Name, "?") })},
		{"keeps any of many", breakers, "one breaker from many writers is the latest", saving(func(b *store.BreakerState) { b.SavedAt = start() })},
		{"saves states without regard to the context", breakers, "an ended context saves no state", bent{saveBreaker: func(ctx context.Context, s storetest.Full, b store.BreakerState) error {
			return s.SaveBreaker(always(ctx), b)
		}}},
		{"reads the newest first", candles, "candles come back oldest first", bent{candles: func(ctx context.Context, s storetest.Full, symbol string, i marketdata.Interval, since, until time.Time, limit int) ([]marketdata.Candle, error) {
			all, err := s.Candles(ctx, symbol, i, since, until, limit)
			slices.Reverse(all)
			return all, err
		}}},
		{"keeps the first candle", candles, "what is saved later replaces", bent{saveCandles: func(ctx context.Context, s storetest.Full, symbol string, i marketdata.Interval, c []marketdata.Candle) error {
			fresh := make([]marketdata.Candle, 0, len(c))
			for _, bar := range c {
				old, err := s.Candles(ctx, symbol, i, bar.OpenTime, bar.OpenTime.Add(1), 1)
				if err == nil && len(old) == 0 {
					fresh = append(fresh, bar)
				}
			}
			return s.SaveCandles(ctx, symbol, i, fresh)
		}}},
		{"includes the end", candles, "a span and a limit select candles", bent{candles: func(ctx context.Context, s storetest.Full, symbol string, i marketdata.Interval, since, until time.Time, limit int) ([]marketdata.Candle, error) {
			return s.Candles(ctx, symbol, i, since, until.Add(time.Microsecond), limit)
		}}},
		{"mixes intervals", candles, "symbols and intervals are apart", bent{candles: func(ctx context.Context, s storetest.Full, symbol string, _ marketdata.Interval, since, until time.Time, limit int) ([]marketdata.Candle, error) {
			return s.Candles(ctx, symbol, marketdata.Interval1h, since, until, limit)
		}}},
		{"rounds volumes", candles, "candles keep every digit", bent{saveCandles: func(ctx context.Context, s storetest.Full, symbol string, i marketdata.Interval, c []marketdata.Candle) error {
			c = slices.Clone(c)
			for j := range c {
				c[j].QuoteVolume = c[j].QuoteVolume.Round(0)
			}
			return s.SaveCandles(ctx, symbol, i, c)
		}}},
		{"saves what is valid", candles, "invalid candles save none", bent{saveCandles: func(ctx context.Context, s storetest.Full, symbol string, i marketdata.Interval, c []marketdata.Candle) error {
			var failed error
			for j := range c {
				failed = errors.Join(failed, s.SaveCandles(ctx, symbol, i, c[j:j+1]))
			}
			return failed
		}}},
		{"cuts limits", candles, "an invalid question is refused", bent{candles: func(ctx context.Context, s storetest.Full, symbol string, i marketdata.Interval, since, until time.Time, limit int) ([]marketdata.Candle, error) {
			return s.Candles(ctx, symbol, i, since, until, max(1, min(limit, store.MaxCandles)))
		}}},
		{"saves candles without regard to the context", candles, "an ended context saves no candles", bent{saveCandles: func(ctx context.Context, s storetest.Full, symbol string, i marketdata.Interval, c []marketdata.Candle) error {
			return s.SaveCandles(always(ctx), symbol, i, c)
		}}},
	}
}
