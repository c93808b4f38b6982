"""Words of the synthetic world: names, places, trades.

Belongs here: lists of words. Does not belong here: who bears which name. The lists are short and made up of common
surnames, characters and street names; no name belongs to a person or company that exists on purpose.
"""

SURNAMES = tuple(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金贾夏韦方白邹孟熊秦邱江尹薛雷侯龙"
)
GIVEN_FEMALE = tuple("芳娜静丽艳娟霞敏燕玲梅莉婷雪琳颖洁倩慧欣怡悦佳璐")
GIVEN_MALE = tuple("伟强磊军勇杰涛明超刚平辉鹏飞斌浩宇波健峰毅俊帆宁")
GIVEN_SECOND = ("", *tuple("文志国建海晓春红金玉永新佳子天云德兴立思"))

# (code, province-like name, city, first six digits of resident ids)
REGIONS = (
    ("R01", "东江省", "临江市", "110101"),
    ("R02", "东江省", "安平市", "120102"),
    ("R03", "南岭省", "海宁市", "310104"),
    ("R04", "南岭省", "清远市", "320105"),
    ("R05", "西川省", "锦城市", "330106"),
    ("R06", "西川省", "宜南市", "440103"),
    ("R07", "北原省", "长宁市", "440305"),
    ("R08", "北原省", "定西市", "500103"),
    ("R09", "中湖省", "江夏市", "510104"),
    ("R10", "中湖省", "襄城市", "420106"),
    ("R11", "云山省", "昆城市", "610113"),
    ("R12", "云山省", "大理市", "350203"),
)
REGION_CODES = tuple(region[0] for region in REGIONS)
REGION_NAMES_EN = (
    "Linjiang", "Anping", "Haining", "Qingyuan", "Jincheng", "Yinan",
    "Changning", "Dingxi", "Jiangxia", "Xiangcheng", "Kuncheng", "Dali",
)  # fmt: skip
STREETS = (
    "人民路", "解放路", "建设路", "中山路", "和平路", "新华路", "文化路", "胜利路", "长江路", "黄河路",
    "朝阳街", "光明街", "南京路", "北京路", "滨江大道", "学府路", "工业大道", "科技路", "环城路", "迎宾路",
)  # fmt: skip

COMPANY_FIRST = tuple("华中东新金大永恒瑞鑫宏盛天海通达兴泰康安")
COMPANY_SECOND = tuple("丰源诚信利和顺茂隆昌业创联科远盈辉腾翔宁")

# GB/T 4754 section, English name, word in the company's name, share of companies
INDUSTRIES = (
    ("C", "manufacturing", "制造", 0.26),
    ("F", "wholesale and retail", "贸易", 0.30),
    ("E", "construction", "建筑工程", 0.10),
    ("G", "transport", "物流", 0.08),
    ("H", "hospitality", "餐饮管理", 0.06),
    ("I", "information technology", "信息技术", 0.08),
    ("L", "business services", "商务服务", 0.06),
    ("A", "agriculture", "农业", 0.04),
    ("K", "real estate", "置业", 0.02),
)
OCCUPATIONS = ("employee", "civil_servant", "self_employed", "student", "retired", "unemployed", "executive")
MARITAL_STATUSES = ("single", "married", "divorced", "widowed")

# ISO 18245 code, English name, Chinese name on the shop sign, mean amount in yuan, share bought online
MERCHANT_CATEGORIES = (
    ("5411", "grocery stores", "超市", 95, 0.15),
    ("5812", "restaurants", "餐厅", 130, 0.05),
    ("5814", "fast food", "快餐", 38, 0.30),
    ("5499", "convenience stores", "便利店", 26, 0.05),
    ("4111", "commuter transport", "公交地铁", 12, 0.40),
    ("4121", "taxis", "出租车", 32, 0.60),
    ("4814", "telecommunication services", "通信", 80, 0.85),
    ("4900", "utilities", "水电燃气", 180, 0.80),
    ("5311", "department stores", "百货", 320, 0.30),
    ("5651", "family clothing", "服装", 260, 0.50),
    ("5732", "electronics", "数码", 900, 0.60),
    ("5912", "pharmacies", "药房", 75, 0.15),
    ("5641", "children's and infants' wear", "母婴用品", 210, 0.55),
    ("5945", "toys and games", "玩具", 120, 0.50),
    ("5541", "service stations", "加油站", 280, 0.0),
    ("7538", "car service", "汽车维修", 620, 0.0),
    ("6300", "insurance", "保险", 850, 0.80),
    ("4511", "airlines", "航空", 1150, 0.95),
    ("7011", "hotels", "酒店", 680, 0.80),
    ("7512", "car rental", "租车", 420, 0.85),
    ("5816", "digital games", "网络游戏", 60, 1.0),
    ("5815", "digital media", "数字影音", 25, 1.0),
    ("7832", "cinemas", "影院", 70, 0.60),
    ("7997", "sports clubs", "健身俱乐部", 260, 0.20),
    ("5941", "sporting goods", "体育用品", 240, 0.45),
    ("5942", "book shops", "书店", 65, 0.50),
    ("8299", "schools and courses", "培训学校", 900, 0.40),
    ("8062", "hospitals", "医院", 360, 0.10),
    ("5200", "home supply", "家居建材", 480, 0.30),
    ("5712", "furniture", "家具", 1300, 0.35),
    ("5944", "jewellery", "珠宝", 1600, 0.15),
    ("5977", "cosmetics", "化妆品", 230, 0.60),
    ("7230", "hair and beauty", "美容美发", 150, 0.05),
    ("5995", "pet shops", "宠物用品", 160, 0.50),
    ("0742", "veterinary services", "宠物医院", 320, 0.0),
    ("5921", "liquor stores", "烟酒", 210, 0.10),
)
MERCHANT_FIRST = tuple("福美佳乐旺康顺安欣悦百万家好润")
MERCHANT_SECOND = tuple("客多利优选邻联邦园泽汇品源坊里")
