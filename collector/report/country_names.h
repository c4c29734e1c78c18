/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * country_names.h - the names of countries and regions, in English and in Japanese.
 *
 * In:  nothing. Out: COUNTRY_NAMES(X), a row X(code, English, Japanese) for each code of ISO 3166-1. Included by
 * countries.c. Made by scripts/country-names out of Debian's iso-codes (LGPL-2.1-or-later; its authors and translators
 * are named in /usr/share/doc/iso-codes/copyright); not edited by hand.
 */
#ifndef OTORI_REPORT_COUNTRY_NAMES_H
#define OTORI_REPORT_COUNTRY_NAMES_H

/* clang-format off */
#define COUNTRY_NAMES(X) \
	X("AD", "Andorra", "アンドラ") \
	X("AE", "United Arab Emirates", "アラブ首長国連邦") \
	X("AF", "Afghanistan", "アフガニスタン") \
	X("AG", "Antigua and Barbuda", "アンティグア・バーブーダ") \
	X("AI", "Anguilla", "アングイラ") \
	X("AL", "Albania", "アルバニア") \
	X("AM", "Armenia", "アルメニア") \
	X("AO", "Angola", "アンゴラ") \
	X("AQ", "Antarctica", "南極大陸") \
	X("AR", "Argentina", "アルゼンチン") \
	X("AS", "American Samoa", "米領サモア") \
	X("AT", "Austria", "オーストリア") \
	X("AU", "Australia", "オーストラリア") \
	X("AW", "Aruba", "アルーバ") \
	X("AX", "Åland Islands", "オーランド諸島") \
	X("AZ", "Azerbaijan", "アゼルバイジャン") \
	X("BA", "Bosnia and Herzegovina", "ボスニア・ヘルツェゴビナ") \
	X("BB", "Barbados", "バルバドス") \
	X("BD", "Bangladesh", "バングラデシュ") \
	X("BE", "Belgium", "ベルギー") \
	X("BF", "Burkina Faso", "ブルキナファソ") \
	X("BG", "Bulgaria", "ブルガリア") \
	X("BH", "Bahrain", "バーレーン") \
	X("BI", "Burundi", "ブルンジ") \
	X("BJ", "Benin", "ベナン") \
	X("BL", "Saint Barthélemy", "サンバルテルミ") \
	X("BM", "Bermuda", "バーミューダ") \
	X("BN", "Brunei", "ブルネイ") \
	X("BO", "Bolivia", "ボリビア") \
	X("BQ", "Bonaire, Sint Eustatius and Saba", "ボネール、シントユースタティウス及びサバ") \
	X("BR", "Brazil", "ブラジル") \
	X("BS", "Bahamas", "バハマ") \
	X("BT", "Bhutan", "ブータン") \
	X("BV", "Bouvet Island", "ブーベ島") \
	X("BW", "Botswana", "ボツワナ") \
	X("BY", "Belarus", "ベラルーシ") \
	X("BZ", "Belize", "ベリーズ") \
	X("CA", "Canada", "カナダ") \
	X("CC", "Cocos (Keeling) Islands", "ココス (キーリング) 諸島") \
	X("CD", "DR Congo", "コンゴ民主共和国") \
	X("CF", "Central African Republic", "中央アフリカ共和国") \
	X("CG", "Congo", "コンゴ共和国") \
	X("CH", "Switzerland", "スイス") \
	X("CI", "Côte d'Ivoire", "コートジボワール") \
	X("CK", "Cook Islands", "クック諸島") \
	X("CL", "Chile", "チリ") \
	X("CM", "Cameroon", "カメルーン") \
	X("CN", "China", "中国") \
	X("CO", "Colombia", "コロンビア") \
	X("CR", "Costa Rica", "コスタリカ") \
	X("CU", "Cuba", "キューバ") \
	X("CV", "Cabo Verde", "カーボヴェルデ") \
	X("CW", "Curaçao", "キュラソー") \
	X("CX", "Christmas Island", "クリスマス島") \
	X("CY", "Cyprus", "キプロス") \
	X("CZ", "Czechia", "チェコ") \
	X("DE", "Germany", "ドイツ") \
	X("DJ", "Djibouti", "ジブチ") \
	X("DK", "Denmark", "デンマーク") \
	X("DM", "Dominica", "ドミニカ") \
	X("DO", "Dominican Republic", "ドミニカ共和国") \
	X("DZ", "Algeria", "アルジェリア") \
	X("EC", "Ecuador", "エクアドル") \
	X("EE", "Estonia", "エストニア") \
	X("EG", "Egypt", "エジプト") \
	X("EH", "Western Sahara", "西サハラ") \
	X("ER", "Eritrea", "エリトリア") \
	X("ES", "Spain", "スペイン") \
	X("ET", "Ethiopia", "エチオピア") \
	X("FI", "Finland", "フィンランド") \
	X("FJ", "Fiji", "フィジー") \
	X("FK", "Falkland Islands", "フォークランド諸島") \
	X("FM", "Micronesia", "ミクロネシア連邦") \
	X("FO", "Faroe Islands", "フェロー諸島") \
	X("FR", "France", "フランス") \
	X("GA", "Gabon", "ガボン") \
	X("GB", "United Kingdom", "英国") \
	X("GD", "Grenada", "グレナダ") \
	X("GE", "Georgia", "ジョージア") \
	X("GF", "French Guiana", "仏領ギアナ") \
	X("GG", "Guernsey", "ガーンジー") \
	X("GH", "Ghana", "ガーナ") \
	X("GI", "Gibraltar", "ジブラルタル") \
	X("GL", "Greenland", "グリーンランド") \
	X("GM", "Gambia", "ガンビア") \
	X("GN", "Guinea", "ギニア") \
	X("GP", "Guadeloupe", "グアドループ") \
	X("GQ", "Equatorial Guinea", "赤道ギニア") \
	X("GR", "Greece", "ギリシャ") \
	X("GS", "South Georgia and the South Sandwich Islands", "サウスジョージア及びサウスサンドウィッチ諸島") \
	X("GT", "Guatemala", "グアテマラ") \
	X("GU", "Guam", "グアム") \
	X("GW", "Guinea-Bissau", "ギニアビサウ") \
	X("GY", "Guyana", "ガイアナ") \
	X("HK", "Hong Kong", "香港") \
	X("HM", "Heard Island and McDonald Islands", "ハード島及びマクドナルド諸島") \
	X("HN", "Honduras", "ホンジュラス") \
	X("HR", "Croatia", "クロアチア") \
	X("HT", "Haiti", "ハイチ") \
	X("HU", "Hungary", "ハンガリー") \
	X("ID", "Indonesia", "インドネシア") \
	X("IE", "Ireland", "アイルランド") \
	X("IL", "Israel", "イスラエル") \
	X("IM", "Isle of Man", "マン島") \
	X("IN", "India", "インド") \
	X("IO", "British Indian Ocean Territory", "英国インド洋領土") \
	X("IQ", "Iraq", "イラク") \
	X("IR", "Iran", "イラン") \
	X("IS", "Iceland", "アイスランド") \
	X("IT", "Italy", "イタリア") \
	X("JE", "Jersey", "ジャージー") \
	X("JM", "Jamaica", "ジャマイカ") \
	X("JO", "Jordan", "ヨルダン") \
	X("JP", "Japan", "日本") \
	X("KE", "Kenya", "ケニア") \
	X("KG", "Kyrgyzstan", "キルギス") \
	X("KH", "Cambodia", "カンボジア") \
	X("KI", "Kiribati", "キリバス") \
	X("KM", "Comoros", "コモロ") \
	X("KN", "Saint Kitts and Nevis", "セントクリストファー・ネーヴィス") \
	X("KP", "North Korea", "北朝鮮") \
	X("KR", "South Korea", "韓国") \
	X("KW", "Kuwait", "クウェート") \
	X("KY", "Cayman Islands", "ケイマン諸島") \
	X("KZ", "Kazakhstan", "カザフスタン") \
	X("LA", "Laos", "ラオス") \
	X("LB", "Lebanon", "レバノン") \
	X("LC", "Saint Lucia", "セントルシア") \
	X("LI", "Liechtenstein", "リヒテンシュタイン") \
	X("LK", "Sri Lanka", "スリランカ") \
	X("LR", "Liberia", "リベリア") \
	X("LS", "Lesotho", "レソト") \
	X("LT", "Lithuania", "リトアニア") \
	X("LU", "Luxembourg", "ルクセンブルク") \
	X("LV", "Latvia", "ラトビア") \
	X("LY", "Libya", "リビア") \
	X("MA", "Morocco", "モロッコ") \
	X("MC", "Monaco", "モナコ") \
	X("MD", "Moldova", "モルドバ") \
	X("ME", "Montenegro", "モンテネグロ") \
	X("MF", "Saint Martin", "サンマルタン (仏領)") \
	X("MG", "Madagascar", "マダガスカル") \
	X("MH", "Marshall Islands", "マーシャル諸島") \
	X("MK", "North Macedonia", "北マケドニア") \
	X("ML", "Mali", "マリ") \
	X("MM", "Myanmar", "ミャンマー") \
	X("MN", "Mongolia", "モンゴル") \
	X("MO", "Macao", "マカオ") \
	X("MP", "Northern Mariana Islands", "北マリアナ諸島") \
	X("MQ", "Martinique", "マルティニーク") \
	X("MR", "Mauritania", "モーリタニア") \
	X("MS", "Montserrat", "モントセラト") \
	X("MT", "Malta", "マルタ") \
	X("MU", "Mauritius", "モーリシャス") \
	X("MV", "Maldives", "モルディブ") \
	X("MW", "Malawi", "マラウイ") \
	X("MX", "Mexico", "メキシコ") \
	X("MY", "Malaysia", "マレーシア") \
	X("MZ", "Mozambique", "モザンビーク") \
	X("NA", "Namibia", "ナミビア") \
	X("NC", "New Caledonia", "ニューカレドニア") \
	X("NE", "Niger", "ニジェール") \
	X("NF", "Norfolk Island", "ノーフォーク島") \
	X("NG", "Nigeria", "ナイジェリア") \
	X("NI", "Nicaragua", "ニカラグア") \
	X("NL", "Netherlands", "オランダ") \
	X("NO", "Norway", "ノルウェー") \
	X("NP", "Nepal", "ネパール") \
	X("NR", "Nauru", "ナウル") \
	X("NU", "Niue", "ニウエ") \
	X("NZ", "New Zealand", "ニュージーランド") \
	X("OM", "Oman", "オマーン") \
	X("PA", "Panama", "パナマ") \
	X("PE", "Peru", "ペルー") \
	X("PF", "French Polynesia", "仏領ポリネシア") \
	X("PG", "Papua New Guinea", "パプアニューギニア") \
	X("PH", "Philippines", "フィリピン") \
	X("PK", "Pakistan", "パキスタン") \
	X("PL", "Poland", "ポーランド") \
	X("PM", "Saint Pierre and Miquelon", "サンピエール及びミクロン") \
	X("PN", "Pitcairn", "ピトケアン") \
	X("PR", "Puerto Rico", "プエルトリコ") \
	X("PS", "Palestine", "パレスチナ") \
	X("PT", "Portugal", "ポルトガル") \
	X("PW", "Palau", "パラオ") \
	X("PY", "Paraguay", "パラグアイ") \
	X("QA", "Qatar", "カタール") \
	X("RE", "Réunion", "レユニオン") \
	X("RO", "Romania", "ルーマニア") \
	X("RS", "Serbia", "セルビア") \
	X("RU", "Russia", "ロシア") \
	X("RW", "Rwanda", "ルワンダ") \
	X("SA", "Saudi Arabia", "サウジアラビア") \
	X("SB", "Solomon Islands", "ソロモン諸島") \
	X("SC", "Seychelles", "セーシェル") \
	X("SD", "Sudan", "スーダン") \
	X("SE", "Sweden", "スウェーデン") \
	X("SG", "Singapore", "シンガポール") \
	X("SH", "Saint Helena, Ascension and Tristan da Cunha", "セントヘレナ、アセンション及びトリスタン・ダ・クーニャ") \
	X("SI", "Slovenia", "スロベニア") \
	X("SJ", "Svalbard and Jan Mayen", "スヴァールバル及びヤンマイエン") \
	X("SK", "Slovakia", "スロバキア") \
	X("SL", "Sierra Leone", "シエラレオネ") \
	X("SM", "San Marino", "サンマリノ") \
	X("SN", "Senegal", "セネガル") \
	X("SO", "Somalia", "ソマリア") \
	X("SR", "Suriname", "スリナム") \
	X("SS", "South Sudan", "南スーダン") \
	X("ST", "Sao Tome and Principe", "サントメ・プリンシペ") \
	X("SV", "El Salvador", "エルサルバドル") \
	X("SX", "Sint Maarten", "サンマルタン (オランダ領)") \
	X("SY", "Syria", "シリア") \
	X("SZ", "Eswatini", "エスワティニ") \
	X("TC", "Turks and Caicos Islands", "タークス及びカイコス諸島") \
	X("TD", "Chad", "チャド") \
	X("TF", "French Southern Territories", "フランス南方領土") \
	X("TG", "Togo", "トーゴ") \
	X("TH", "Thailand", "タイ") \
	X("TJ", "Tajikistan", "タジキスタン") \
	X("TK", "Tokelau", "トケラウ") \
	X("TL", "Timor-Leste", "東ティモール") \
	X("TM", "Turkmenistan", "トルクメニスタン") \
	X("TN", "Tunisia", "チュニジア") \
	X("TO", "Tonga", "トンガ") \
	X("TR", "Türkiye", "トルコ") \
	X("TT", "Trinidad and Tobago", "トリニダード・トバゴ") \
	X("TV", "Tuvalu", "ツバル") \
	X("TW", "Taiwan", "台湾") \
	X("TZ", "Tanzania", "タンザニア") \
	X("UA", "Ukraine", "ウクライナ") \
	X("UG", "Uganda", "ウガンダ") \
	X("UM", "United States Minor Outlying Islands", "アメリカ合衆国外諸島") \
	X("US", "United States", "米国") \
	X("UY", "Uruguay", "ウルグアイ") \
	X("UZ", "Uzbekistan", "ウズベキスタン") \
	X("VA", "Vatican City", "バチカン市国") \
	X("VC", "Saint Vincent and the Grenadines", "セントビンセント及びグレナディーン諸島") \
	X("VE", "Venezuela", "ベネズエラ") \
	X("VG", "British Virgin Islands", "英領ヴァージン諸島") \
	X("VI", "U.S. Virgin Islands", "米領ヴァージン諸島") \
	X("VN", "Vietnam", "ベトナム") \
	X("VU", "Vanuatu", "バヌアツ") \
	X("WF", "Wallis and Futuna", "ワリー及びフテュナ") \
	X("WS", "Samoa", "サモア") \
	X("YE", "Yemen", "イエメン") \
	X("YT", "Mayotte", "マヨット") \
	X("ZA", "South Africa", "南アフリカ") \
	X("ZM", "Zambia", "ザンビア") \
	X("ZW", "Zimbabwe", "ジンバブエ")
/* clang-format on */

#endif
