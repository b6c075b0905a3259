use super::*;
use redis::Value;

fn address(host: &str, port: u16) -> Address {
    Address {
        host: host.to_owned(),
        port,
    }
}

fn text(text: &str) -> Value {
    Value::BulkString(text.as_bytes().to_vec())
}

fn range(first: i64, last: i64, host: Value, port: i64) -> Value {
    let node = Value::Array(vec![host, Value::Int(port), text("id"), Value::Array(Vec::new())]);
    Value::Array(vec![Value::Int(first), Value::Int(last), node])
}

#[test]
fn a_map_is_read_and_a_node_without_a_name_is_the_one_that_answered() {
    let from = address("asked", 1);
    let reply = Value::Array(vec![
        range(0, 99, text("a"), 7000),
        range(100, 16_383, Value::Nil, 7001),
    ]);
    let known = Known {
        ranges: read_map(reply, &from).expect("a map"),
        ..Known::default()
    };
    assert_eq!(known.node(0), Some(address("a", 7000)));
    assert_eq!(known.node(99), Some(address("a", 7000)));
    assert_eq!(known.node(100), Some(address("asked", 7001)));
    assert_eq!(known.node(16_383), Some(address("asked", 7001)));
}

#[test]
fn a_slot_that_nobody_serves_has_no_node() {
    let reply = Value::Array(vec![range(10, 19, text("a"), 7000)]);
    let known = Known {
        ranges: read_map(reply, &address("x", 1)).expect("a map"),
        ..Known::default()
    };
    for slot in [0, 9, 20, 16_383] {
        assert_eq!(known.node(slot), None, "{slot}");
    }
}

#[test]
fn what_is_no_map_is_refused() {
    for reply in [
        Value::Nil,
        Value::Array(vec![Value::Int(1)]),
        Value::Array(vec![range(5, 4, text("a"), 7000)]),
        Value::Array(vec![range(0, 16_384, text("a"), 7000)]),
        Value::Array(vec![range(-1, 4, text("a"), 7000)]),
        Value::Array(vec![range(0, 4, text("a"), 0)]),
        Value::Array(vec![range(0, 4, text("a"), 65_536)]),
        Value::Array(vec![range(0, 4, Value::Int(1), 7000)]),
    ] {
        assert!(read_map(reply, &address("x", 1)).is_none());
    }
}

#[test]
fn one_slot_is_cut_out_of_its_range() {
    for slot in [0, 1, 50, 98, 99] {
        let mut known = Known::default();
        known.ranges.insert(
            99,
            Range {
                first: 0,
                node: address("a", 1),
            },
        );
        known.set(slot, address("b", 2));
        for other in 0..=99 {
            let expected = if other == slot {
                address("b", 2)
            } else {
                address("a", 1)
            };
            assert_eq!(known.node(other), Some(expected), "{other} without {slot}");
        }
        assert_eq!(known.node(100), None);
    }
    let mut known = Known::default();
    known.set(7, address("b", 2));
    assert_eq!(
        (known.node(6), known.node(7), known.node(8)),
        (None, Some(address("b", 2)), None)
    );
}
