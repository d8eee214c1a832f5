//! Mutates JSON so that it stays JSON: changes a number, drops a field, repeats an element. Blind changes of bytes
//! hardly ever get past the parser.

use serde_json::Value;

/// The limits of what fields may hold, their neighbours, and numbers that are difficult for arithmetic.
const NUMBERS: [&str; 18] = [
    "0",
    "1",
    "2",
    "-1",
    "0.5",
    "25",
    "100",
    "1000",
    "130000",
    "4294967295",
    "4294967296",
    "1000000000",
    "1e15",
    "1e13",
    "1e-6",
    "1e-300",
    "1e308",
    "18446744073709551615",
];

const TEXTS: [&str; 8] = [
    "",
    "NaN",
    "a\nb",
    "::error::x",
    "<b>&\"'|",
    "\u{202e}ü…",
    "public.orders",
    "=1+1",
];

/// Mutates the JSON in the first `size` bytes of `data` at one place chosen by `seed`, and returns its new size; `None`
/// if it is not JSON, or there is no room.
pub fn mutate(data: &mut [u8], size: usize, most: usize, seed: u32) -> Option<usize> {
    let mut value: Value = serde_json::from_slice(&data[..size]).ok()?;
    let mut dice = Dice(u64::from(seed) << 16 | 0x5ca1);
    for _ in 0..=dice.below(3) {
        let donor = nth(&value, dice.below(count(&value))).clone();
        let place = dice.below(count(&value));
        change(nth_mut(&mut value, place)?, donor, &mut dice);
    }
    let text = serde_json::to_vec(&value).ok()?;
    let room = most.min(data.len());
    (text.len() <= room).then(|| {
        data[..text.len()].copy_from_slice(&text);
        text.len()
    })
}

fn change(value: &mut Value, donor: Value, dice: &mut Dice) {
    match value {
        _ if dice.below(12) == 0 => *value = donor,
        _ if dice.below(20) == 0 => *value = Value::Null,
        Value::Null | Value::Number(_) => *value = number(value, dice),
        Value::Bool(flag) => *flag = !*flag,
        Value::String(text) => match dice.below(3) {
            0 => *text = text.repeat(2),
            1 => text.push_str(TEXTS[dice.below(TEXTS.len())]),
            _ => *text = TEXTS[dice.below(TEXTS.len())].to_string(),
        },
        Value::Array(values) if values.is_empty() => values.push(donor),
        Value::Array(values) => {
            let (one, other) = (dice.below(values.len()), dice.below(values.len()));
            match dice.below(4) {
                0 => _ = values.remove(one),
                1 => values.swap(one, other),
                2 => values.extend(vec![values[one].clone(); 30]),
                _ => values.insert(one, values[other].clone()),
            }
        }
        Value::Object(fields) => {
            let field = fields.keys().nth(dice.below(fields.len().max(1))).cloned();
            match (field, dice.below(3)) {
                (Some(field), 0) => _ = fields.remove(&field),
                (Some(field), _) => _ = fields.insert(field, donor),
                (None, _) => {}
            }
        }
    }
}

fn number(value: &Value, dice: &mut Dice) -> Value {
    let changed = match (value.as_f64(), dice.below(4)) {
        (Some(number), 0) => Value::from(number * 2.0),
        (Some(number), 1) => Value::from(number / 1000.0),
        (Some(_), 2) => value
            .as_u64()
            .map_or(Value::from(1), |number| Value::from(number.wrapping_add(1))),
        _ => Value::Null,
    };
    match changed {
        Value::Null => serde_json::from_str(NUMBERS[dice.below(NUMBERS.len())]).unwrap_or_default(),
        changed => changed,
    }
}

/// Returns the number of values, including the whole.
fn count(value: &Value) -> usize {
    1 + children(value).map(count).sum::<usize>()
}

fn children(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Array(values) => Box::new(values.iter()),
        Value::Object(fields) => Box::new(fields.values()),
        _ => Box::new(std::iter::empty()),
    }
}

fn nth(value: &Value, mut place: usize) -> &Value {
    if place == 0 {
        return value;
    }
    place -= 1;
    for child in children(value) {
        let inside = count(child);
        if place < inside {
            return nth(child, place);
        }
        place -= inside;
    }
    value
}

fn nth_mut(value: &mut Value, mut place: usize) -> Option<&mut Value> {
    if place == 0 {
        return Some(value);
    }
    place -= 1;
    let children: Vec<&mut Value> = match value {
        Value::Array(values) => values.iter_mut().collect(),
        Value::Object(fields) => fields.values_mut().collect(),
        _ => Vec::new(),
    };
    for child in children {
        let inside = count(child);
        if place < inside {
            return nth_mut(child, place);
        }
        place -= inside;
    }
    None
}

/// A simple random number generator, good enough for mutations.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % bound.max(1) as u64) as usize
    }
}
